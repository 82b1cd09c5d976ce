package dev.upcycle.plan;

import dev.upcycle.arch.Architecture;
import dev.upcycle.arch.Composition;
import dev.upcycle.arch.Dimensions;
import dev.upcycle.arch.ModelPart;
import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.DType;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.checkpoint.TensorEntry;
import dev.upcycle.checkpoint.write.ShardLayout;
import dev.upcycle.dialect.StoredTensor;
import dev.upcycle.recipe.Component;
import dev.upcycle.recipe.Output;
import dev.upcycle.recipe.Part;
import dev.upcycle.recipe.Recipe;
import dev.upcycle.recipe.ResolvedRecipe;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.Set;

/// Turns source headers, a config and a recipe into a plan; reads no tensor bytes but those of
/// biases that must be zero, of a tied head that must equal the embedding, and the hash of a file
/// of routers.
///
/// A model of several parts is planned part by part, each by the same rules as alone.
public final class Planner {
  private final SourceTensors source;
  private final ResolvedRecipe resolved;
  private final Composition dense;
  private final PlanNotes notes = new PlanNotes();

  private Planner(SourceTensors source, ResolvedRecipe resolved) {
    Families.refusal(source.config())
        .ifPresent(reason -> {
          throw new PlanException(List.of(reason));
        });
    this.source = source;
    this.resolved = resolved;
    this.dense = Composition.read(source.config(), source.names());
  }

  /// Plans a conversion of a checkpoint.
  ///
  /// @throws PlanException when the source cannot become what the recipe asks for
  /// @throws dev.upcycle.recipe.RecipeException when the recipe asks for what no such model can be
  public static UpcyclePlan plan(Checkpoint source, ResolvedRecipe recipe) {
    return new Planner(new SourceTensors.OnDisk(source), recipe).plan();
  }

  /// Plans from a bare config, as though the checkpoint held exactly what the family's templates
  /// say, in the config's dtype; BF16 where it states none.
  public static UpcyclePlan plan(ModelConfig source, ResolvedRecipe recipe) {
    return plan(BareSource.of(source), recipe);
  }

  /// Plans from bare configs likewise.
  public static UpcyclePlan plan(BareSource bare, ResolvedRecipe recipe) {
    ModelConfig source = bare.config();
    Families.refusal(source)
        .ifPresent(reason -> {
          throw new PlanException(List.of(reason));
        });
    DType dtype = source.dtype().orElse(DType.BF16);
    Planner planner = new Planner(SourceTensors.Promised.by(source, dtype), recipe);
    planner.notes.info(
        "planned from a bare config.json: the weights are taken to be what it promises"
            + (source.dtype().isEmpty() ? ", in BF16 since it states no dtype" : ""));
    bare.notes().forEach(planner.notes::info);
    return planner.plan();
  }

  private UpcyclePlan plan() {
    Recipe recipe = resolved.recipe();
    RecipeCheck check = new RecipeCheck(resolved, dense);
    RecipeCheck.Targets targets = check.targets();

    PartSources sources = PartSources.of(source, dense, targets.parts());
    List<String> reasons = sources.obstacles();
    if (!reasons.isEmpty()) {
      throw new PlanException(reasons);
    }

    TargetConfig configs = new TargetConfig(dense, targets, recipe);
    ModelConfig derived = configs.derive(statedDType());
    check.config(derived, targets.whole());
    ModelConfig config = configs.override(derived, recipe.output().config());

    Composition target = Composition.written(config, source.names());
    List<TensorStep> steps = steps(sources, target);
    check.routers(steps);
    Fidelity fidelity =
        Fidelity.of(steps, configs.functionalOverrides(derived, recipe.output().config()));
    note(target, fidelity, sources);
    ShardLayout layout =
        ShardLayout.of(
            StoredTensor.of(
                    targets.whole().modelType(), steps.stream().map(TensorStep::target).toList())
                .stream()
                .map(StoredTensor::spec)
                .toList(),
            recipe.output().maxShardBytes());
    return new UpcyclePlan(
        resolved,
        dense.whole(),
        dense.parts().subList(1, dense.parts().size()),
        targets.whole(),
        config,
        steps,
        sources.discarded(),
        layout,
        Consumers.of(target, config),
        fidelity,
        notes.notes());
  }

  private void note(Composition target, Fidelity fidelity, PartSources sources) {
    SequencedMap<ModelPart, Component> sparse = new LinkedHashMap<>();
    for (ModelPart part : target.parts()) {
      component(part)
          .filter(component -> part.family().mixtureOfExperts())
          .ifPresent(component -> sparse.put(part, component));
    }
    notes.functions(
        sparse, target.parts().size() > 1 ? PlanNotes.Naming.PARTS : PlanNotes.Naming.WHOLE);
    resolved
        .recipe()
        .component(Part.VISION)
        .ifPresent(component -> notes.unused(target, component));
    notes.scales(dense, target);
    notes.fidelity(fidelity);
    target.parts().stream()
        .filter(part -> part.family().mixtureOfExperts())
        .map(ModelPart::dimensions)
        .mapToInt(Dimensions::experts)
        .distinct()
        .forEach(notes::experts);
    notes.discarded(sources.discarded());
  }

  private List<TensorStep> steps(PartSources sources, Composition target) {
    PartPlanner.Storage storage =
        new PartPlanner.Storage(asked(), new SeedTree(resolved.recipe().seed()));
    List<TensorStep> steps = new ArrayList<>();
    for (int i = 0; i < dense.parts().size(); i++) {
      Architecture family = dense.parts().get(i).family();
      ModelPart part = target.parts().get(i);
      steps.addAll(
          new PartPlanner(family, sources.matches().get(i).used(), storage)
              .steps(part, component(part)));
    }
    return steps;
  }

  private Optional<Component> component(ModelPart part) {
    return part.part().flatMap(resolved.recipe()::component);
  }

  private Optional<DType> asked() {
    return resolved.recipe().output().dtype().map(Planner::dtype);
  }

  private static DType dtype(Output.StoredDType stored) {
    return switch (stored) {
      case F32 -> DType.F32;
      case BF16 -> DType.BF16;
      case F16 -> DType.F16;
    };
  }

  /// The dtype that the target's config names: where nothing says it, that of the first tensor in
  /// state dict order.
  private DType statedDType() {
    return asked()
        .or(source.config()::dtype)
        .orElseGet(() -> {
          Set<String> first = Set.of(dense.slots().findFirst().orElseThrow().name());
          return source.entries().stream()
              .filter(entry -> first.contains(entry.name()))
              .map(TensorEntry::dtype)
              .findFirst()
              .orElseThrow();
        });
  }
}
