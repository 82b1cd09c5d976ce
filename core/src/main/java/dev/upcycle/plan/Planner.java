package dev.upcycle.plan;

import dev.upcycle.arch.Architecture;
import dev.upcycle.arch.Dimensions;
import dev.upcycle.arch.Role;
import dev.upcycle.arch.TensorSlot;
import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.DType;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.checkpoint.TensorEntry;
import dev.upcycle.checkpoint.write.ShardLayout;
import dev.upcycle.recipe.Component;
import dev.upcycle.recipe.ExpertInit;
import dev.upcycle.recipe.Output;
import dev.upcycle.recipe.Recipe;
import dev.upcycle.recipe.ResolvedRecipe;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/// Turns source headers, a config and a recipe into a plan; reads no tensor bytes but those of
/// biases that must be zero, of a tied head that must equal the embedding, and the hash of a file
/// of routers.
public final class Planner {
  private final SourceTensors source;
  private final ResolvedRecipe resolved;
  private final Architecture family;
  private final PlanNotes notes = new PlanNotes();

  private Planner(SourceTensors source, ResolvedRecipe resolved, Architecture family) {
    this.source = source;
    this.resolved = resolved;
    this.family = family;
  }

  /// Plans a conversion of a checkpoint.
  ///
  /// @throws PlanException when the source cannot become what the recipe asks for
  /// @throws dev.upcycle.recipe.RecipeException when the recipe asks for what no such model can be
  public static UpcyclePlan plan(Checkpoint source, ResolvedRecipe recipe) {
    Architecture family = family(source.config());
    return new Planner(new SourceTensors.OnDisk(source), recipe, family).plan();
  }

  /// Plans from a bare config, as though the checkpoint held exactly what the family's templates
  /// say, in the config's dtype; BF16 where it states none.
  public static UpcyclePlan plan(ModelConfig source, ResolvedRecipe recipe) {
    Architecture family = family(source);
    DType dtype = source.dtype().orElse(DType.BF16);
    Planner planner = new Planner(SourceTensors.Promised.by(family, source, dtype), recipe, family);
    planner.notes.info(
        "planned from a bare config.json: the weights are taken to be what it promises"
            + (source.dtype().isEmpty() ? ", in BF16 since it states no dtype" : ""));
    return planner.plan();
  }

  private static Architecture family(ModelConfig config) {
    Families.refusal(config)
        .ifPresent(reason -> {
          throw new PlanException(List.of(reason));
        });
    return Architecture.require(config.modelType());
  }

  private UpcyclePlan plan() {
    Recipe recipe = resolved.recipe();
    RecipeCheck check = new RecipeCheck(resolved, family);
    Architecture target = check.target(Dimensions.of(family, source.config()).layers());
    Component component = recipe.language().orElseThrow();

    SourceMatch match = new SourceMatch(source, family, target);
    List<String> reasons = SourceReview.obstacles(source, family, match);
    if (!reasons.isEmpty()) {
      throw new PlanException(reasons);
    }

    TargetConfig configs = new TargetConfig(family, target, source.config());
    ModelConfig derived = configs.derive(component.experts(), statedDType(match.used()));
    check.config(derived, target);
    ModelConfig config = configs.override(derived, recipe.output().config());

    List<TensorStep> steps = steps(target, config, match.used());
    check.routers(steps);
    notes.function(component);
    Fidelity fidelity =
        Fidelity.of(steps, configs.functionalOverrides(derived, recipe.output().config()));
    notes.fidelity(fidelity);
    Dimensions dimensions = Dimensions.of(target, config);
    notes.experts(dimensions);
    notes.discarded(match.discarded());
    ShardLayout layout =
        ShardLayout.of(
            steps.stream().map(TensorStep::target).toList(), recipe.output().maxShardBytes());
    return new UpcyclePlan(
        resolved,
        family,
        target,
        config,
        steps,
        match.discarded(),
        layout,
        Consumers.of(config, dimensions),
        fidelity,
        notes.notes());
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

  /// The dtype that the target's config names.
  private DType statedDType(Map<String, TensorEntry> used) {
    String embedding = family.template(Role.EMBEDDING).pattern();
    return asked().or(source.config()::dtype).orElseGet(() -> require(used, embedding).dtype());
  }

  private List<TensorStep> steps(
      Architecture target, ModelConfig config, Map<String, TensorEntry> used) {
    List<TensorSlot> slots = target.slots(config);
    Recipe recipe = resolved.recipe();
    RouterSteps routers =
        RouterSteps.of(
            recipe.language().orElseThrow().router().init(), new SeedTree(recipe.seed()), slots);
    List<TensorStep> steps = new ArrayList<>();
    for (TensorSlot slot : slots) {
      steps.add(step(slot, used, routers));
    }
    return steps;
  }

  private TensorStep step(TensorSlot slot, Map<String, TensorEntry> used, RouterSteps routers) {
    OptionalInt layer = slot.match().layer();
    if (slot.role() == Role.ROUTER) {
      TensorEntry beside = sourceOf(Role.FFN_GATE, layer, used);
      return routers.step(slot, asked().orElse(beside.dtype()));
    }
    Optional<Role> dense = slot.role().denseCounterpart();
    if (dense.isPresent()) {
      return expert(slot, sourceOf(dense.get(), layer, used));
    }
    TensorEntry entry = sourceOf(slot.role(), layer, used);
    return new TensorStep.PassThrough(slot.spec(asked().orElse(entry.dtype())), slot.role(), entry);
  }

  private TensorStep expert(TensorSlot slot, TensorEntry entry) {
    return switch (resolved.recipe().language().orElseThrow().experts().init()) {
      case ExpertInit.Copy() -> copy(slot, entry);
    };
  }

  private TensorStep copy(TensorSlot slot, TensorEntry entry) {
    return new TensorStep.CopyToExpert(
        slot.spec(asked().orElse(entry.dtype())),
        slot.role(),
        entry,
        slot.match().layer().orElseThrow(),
        slot.match().expert().orElseThrow());
  }

  private TensorEntry sourceOf(Role role, OptionalInt layer, Map<String, TensorEntry> used) {
    return require(used, family.template(role).name(layer, OptionalInt.empty()));
  }

  private static TensorEntry require(Map<String, TensorEntry> used, String name) {
    TensorEntry entry = used.get(name);
    if (entry == null) {
      throw new IllegalStateException("matched source without " + name);
    }
    return entry;
  }
}
