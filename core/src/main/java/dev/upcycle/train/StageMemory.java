package dev.upcycle.train;

import dev.upcycle.arch.ConnectorConfig;
import dev.upcycle.arch.ModelPart;
import dev.upcycle.checkpoint.TensorSpec;
import dev.upcycle.recipe.Part;
import dev.upcycle.recipe.Stage;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// The memory that a stage needs for its model, known before any of it is read.
record StageMemory(PlannedModel model) {
  boolean hasExperts() {
    return model.names().mixtureOfExperts();
  }

  /// What a stage needs for it.
  MemoryForecast forecast(Stage stage) {
    ParameterChoice choice = new ParameterChoice(model.names());
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
        stage.pace().microBatches(),
        components);
  }

  /// A part; of a decoder by itself the whole.
  private Optional<ModelPart> find(Part part) {
    Optional<ModelPart> decoder =
        model.names().parts().stream().filter(own -> own.family().decodes()).findFirst();
    return part == Part.LANGUAGE ? decoder : model.names().find(part);
  }

  /// Numbers of a part's tensors.
  ///
  /// @param largest of the tensors that train
  private record Numbers(long elements, long trained, long largest) {}

  private Numbers numbers(ModelPart part, ParameterChoice choice, Stage stage) {
    long elements = 0;
    long trained = 0;
    long largest = 0;
    for (TensorSpec tensor : model.tensors()) {
      if (model.names().owner(tensor.name()).filter(part::equals).isPresent()) {
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
      return new DecoderMemory(
              part.dimensions(),
              stage.compute(),
              stage.pace().microBatch(),
              stage.data().maxTokens())
          .of(numbers.elements(), numbers.trained(), numbers.largest());
    }
    SightMemory sight =
        new SightMemory(
            model.names().find(Part.VISION).orElseThrow().dimensions(),
            ConnectorConfig.scales(model.config()),
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
