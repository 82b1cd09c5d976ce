package dev.upcycle.train;

import dev.upcycle.arch.Composition;
import dev.upcycle.arch.ModelPart;
import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.checkpoint.TensorEntry;
import dev.upcycle.checkpoint.TensorSpec;
import dev.upcycle.plan.Planner;
import dev.upcycle.plan.UpcyclePlan;
import dev.upcycle.recipe.ResolvedRecipe;
import dev.upcycle.recipe.Stage;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/// The sizes of the model that a stage trains, known before any of it is read.
final class StageMemory {
  private final Composition names;
  private final ModelPart decoder;
  private final List<TensorSpec> tensors;

  private StageMemory(ModelConfig config, List<TensorSpec> tensors) {
    this.tensors = tensors;
    this.names =
        Composition.read(
            config, tensors.stream().map(TensorSpec::name).collect(Collectors.toSet()));
    this.decoder =
        names.parts().stream().filter(part -> part.family().decodes()).findFirst().orElseThrow();
  }

  /// The models of a recipe's stages, in their order.
  static List<StageMemory> of(Checkpoint source, ResolvedRecipe recipe, List<Stage> stages) {
    List<TensorSpec> dense = source.tensors().values().stream().map(TensorEntry::spec).toList();
    List<StageMemory> sizes = new ArrayList<>();
    StageMemory model = new StageMemory(source.config(), dense);
    for (Stage stage : stages) {
      if (!stage.start().upcycle().isEmpty()) {
        UpcyclePlan plan = Planner.plan(source, recipe);
        model = new StageMemory(plan.targetConfig(), plan.tensors());
      }
      sizes.add(model);
    }
    return sizes;
  }

  boolean hasExperts() {
    return names.mixtureOfExperts();
  }

  /// What a stage needs for it.
  MemoryForecast forecast(Stage stage) {
    ParameterChoice choice = new ParameterChoice(names);
    long elements = 0;
    long trained = 0;
    long largest = 0;
    for (TensorSpec tensor : tensors) {
      long own = tensor.shape().elements();
      elements += own;
      if (rate(choice, tensor.name(), stage) > 0) {
        trained += own;
        largest = Math.max(largest, own);
      }
    }
    long tokens =
        Math.multiplyExact((long) stage.pace().microBatch(), (long) stage.data().maxTokens());
    DecoderMemory sizes = new DecoderMemory(decoder.dimensions(), stage.compute(), tokens);
    return new MemoryForecast(
        stage.name(),
        stage.compute().precision(),
        stage.updates().average().isPresent(),
        List.of(sizes.of(elements, trained, largest)));
  }

  private static double rate(ParameterChoice choice, String name, Stage stage) {
    double rate = 0;
    for (Map.Entry<String, Double> given : stage.updates().rates().entrySet()) {
      rate = choice.means(given.getKey(), name) ? given.getValue() : rate;
    }
    return rate;
  }
}
