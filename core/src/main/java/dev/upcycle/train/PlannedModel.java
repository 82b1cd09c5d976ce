package dev.upcycle.train;

import dev.upcycle.arch.Composition;
import dev.upcycle.arch.Role;
import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.checkpoint.TensorEntry;
import dev.upcycle.checkpoint.TensorSpec;
import dev.upcycle.plan.Discarded;
import dev.upcycle.plan.PlanException;
import dev.upcycle.plan.Planner;
import dev.upcycle.plan.TensorStep;
import dev.upcycle.plan.UpcyclePlan;
import dev.upcycle.recipe.Complaint;
import dev.upcycle.recipe.RecipeException;
import dev.upcycle.recipe.ResolvedRecipe;
import dev.upcycle.recipe.Stage;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;
import java.util.stream.Collectors;

/// The model that a stage trains, known before the first stage: the run's own, or what the plan of
/// an upcycling makes of it.
///
/// @param config its config
/// @param names its parts
/// @param tensors all of them
/// @param discarded those of the stage before that this stage's upcycling leaves out
/// @param origins where it upcycles, the tensor of the stage before that one is a copy of
record PlannedModel(
    ModelConfig config,
    Composition names,
    List<TensorSpec> tensors,
    List<Discarded> discarded,
    Map<String, String> origins) {
  /// Takes copies.
  PlannedModel {
    tensors = List.copyOf(tensors);
    discarded = List.copyOf(discarded);
    origins = Map.copyOf(origins);
  }

  private static PlannedModel of(ModelConfig config, List<TensorSpec> tensors) {
    Composition names =
        Composition.read(
            config, tensors.stream().map(TensorSpec::name).collect(Collectors.toSet()));
    return new PlannedModel(config, names, tensors, List.of(), Map.of());
  }

  private static PlannedModel of(UpcyclePlan plan) {
    PlannedModel made = of(plan.targetConfig(), plan.tensors());
    return new PlannedModel(
        made.config(), made.names(), made.tensors(), plan.discarded(), origins(plan));
  }

  private static Map<String, String> origins(UpcyclePlan plan) {
    Map<String, String> origins = new HashMap<>();
    for (TensorStep step : plan.steps()) {
      switch (step) {
        case TensorStep.PassThrough(TensorSpec target, Role _, TensorEntry source) ->
            origins.put(target.name(), source.name());
        case TensorStep.CopyToExpert(
                TensorSpec target,
                Role _,
                TensorEntry source,
                OptionalInt _,
                int _) ->
            origins.put(target.name(), source.name());
        case TensorStep.NewRouter _, TensorStep.FileRouter _ -> {}
      }
    }
    return origins;
  }

  /// The models of a recipe's stages, in their order.
  ///
  /// @throws PlanException when a stage cannot upcycle the model, naming the stage
  /// @throws RecipeException likewise, where the recipe would have to change
  static List<PlannedModel> of(Checkpoint source, ResolvedRecipe recipe, List<Stage> stages) {
    List<TensorSpec> dense = source.tensors().values().stream().map(TensorEntry::spec).toList();
    List<PlannedModel> models = new ArrayList<>();
    PlannedModel model = of(source.config(), dense);
    for (Stage stage : stages) {
      if (stage.start().upcycle().isEmpty()) {
        model =
            new PlannedModel(model.config(), model.names(), model.tensors(), List.of(), Map.of());
      } else {
        model = of(plan(source, recipe, stage));
      }
      models.add(model);
    }
    return models;
  }

  private static UpcyclePlan plan(Checkpoint source, ResolvedRecipe recipe, Stage stage) {
    String asked =
        "stage %s upcycles %s: "
            .formatted(
                stage.name(),
                stage.start().upcycle().stream()
                    .map(part -> part.name().toLowerCase(Locale.ROOT))
                    .collect(Collectors.joining(", ")));
    try {
      return Planner.plan(source, recipe.of(stage.start().upcycle()));
    } catch (PlanException e) {
      throw new PlanException(e.reasons().stream().map(asked::concat).toList());
    } catch (RecipeException e) {
      throw new RecipeException(
          e.complaints().stream()
              .map(one ->
                  new Complaint(
                      one.source(), one.line(), one.column(), one.keyPath(), asked + one.message()))
              .toList());
    }
  }

  /// The names of tensors that have a place in the model.
  List<String> placed() {
    return tensors.stream()
        .map(TensorSpec::name)
        .filter(name -> names.owner(name).isPresent())
        .toList();
  }
}
