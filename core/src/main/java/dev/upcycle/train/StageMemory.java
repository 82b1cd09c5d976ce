package dev.upcycle.train;

import dev.upcycle.arch.Composition;
import dev.upcycle.arch.ConnectorConfig;
import dev.upcycle.arch.ModelPart;
import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.checkpoint.TensorEntry;
import dev.upcycle.checkpoint.TensorSpec;
import dev.upcycle.plan.Planner;
import dev.upcycle.plan.UpcyclePlan;
import dev.upcycle.recipe.Part;
import dev.upcycle.recipe.ResolvedRecipe;
import dev.upcycle.recipe.Stage;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/// The sizes of the model that a stage trains, known before any of it is read.
final class StageMemory {
  private final ModelConfig config;
  private final Composition names;
  private final List<TensorSpec> tensors;

  private StageMemory(ModelConfig config, List<TensorSpec> tensors) {
    this.config = config;
    this.tensors = tensors;
    this.names =
        Composition.read(
            config, tensors.stream().map(TensorSpec::name).collect(Collectors.toSet()));
  }

  /// The models of a recipe's stages, in their order.
  static List<StageMemory> of(Checkpoint source, ResolvedRecipe recipe, List<Stage> stages) {
    List<TensorSpec> dense = source.tensors().values().stream().map(TensorEntry::spec).toList();
    List<StageMemory> sizes = new ArrayList<>();
    StageMemory model = new StageMemory(source.config(), dense);
    for (Stage stage : stages) {
      if (!stage.start().upcycle().isEmpty()) {
        UpcyclePlan plan = Planner.plan(source, recipe.of(stage.start().upcycle()));
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
    List<ComponentMemory> components = new ArrayList<>();
    boolean below = false;
    for (Part part : List.of(Part.VISION, Part.CONNECTOR, Part.LANGUAGE)) {
      Optional<ModelPart> own = find(part);
      if (own.isPresent()) {
        Numbers numbers = numbers(own.get(), choice, stage);
        below |= numbers.trained() > 0;
        components.add(component(own.get(), numbers, stage, below));
      }
    }
    return new MemoryForecast(
        stage.name(),
        stage.compute().precision(),
        stage.updates().average().isPresent(),
        components);
  }

  /// A part; of a decoder by itself the whole.
  private Optional<ModelPart> find(Part part) {
    Optional<ModelPart> decoder =
        names.parts().stream().filter(own -> own.family().decodes()).findFirst();
    return part == Part.LANGUAGE ? decoder : names.find(part);
  }

  /// Numbers of a part's tensors.
  ///
  /// @param largest of the tensors that train
  private record Numbers(long elements, long trained, long largest) {}

  private Numbers numbers(ModelPart part, ParameterChoice choice, Stage stage) {
    long elements = 0;
    long trained = 0;
    long largest = 0;
    for (TensorSpec tensor : tensors) {
      if (names.owner(tensor.name()).filter(part::equals).isPresent()) {
        long own = tensor.shape().elements();
        elements += own;
        if (choice.rate(tensor.name(), stage.updates()) > 0) {
          trained += own;
          largest = Math.max(largest, own);
        }
      }
    }
    return new Numbers(elements, trained, largest);
  }

  /// @param below whether something of the part, or of what it reads, trains
  private ComponentMemory component(ModelPart part, Numbers numbers, Stage stage, boolean below) {
    if (part.family().decodes()) {
      long tokens =
          Math.multiplyExact((long) stage.pace().microBatch(), (long) stage.data().maxTokens());
      return new DecoderMemory(part.dimensions(), stage.compute(), tokens)
          .of(numbers.elements(), numbers.trained(), numbers.largest());
    }
    SightMemory sight =
        new SightMemory(
            names.find(Part.VISION).orElseThrow().dimensions(),
            ConnectorConfig.scales(config),
            stage.compute().precision(),
            stage.pace().microBatch());
    boolean tower = part.part().equals(Optional.of(Part.VISION));
    long layer = tower ? sight.layerBytes() : sight.connectorBytes(part.dimensions());
    long layers = tower ? part.dimensions().layers() : 1;
    return new ComponentMemory(
        tower ? "vision" : "connector",
        numbers.elements(),
        numbers.trained(),
        below ? Math.multiplyExact(layers, layer) : 0,
        layer,
        0);
  }
}
