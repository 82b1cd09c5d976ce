package dev.upcycle.quickstart;

import dev.upcycle.arch.Composition;
import dev.upcycle.arch.Dimensions;
import dev.upcycle.arch.ModelPart;
import dev.upcycle.arch.Role;
import dev.upcycle.arch.TensorSlot;
import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.recipe.Part;
import java.util.OptionalInt;
import tools.jackson.databind.JsonNode;

/// What a row of a training step costs: multiplications of its tokens with the matrices that each
/// of them meets. Products of attention are left out: they are the same with experts and without.
///
/// @param model of the row
/// @param tokens that the decoder reads of a row, on average
record RowCost(Checkpoint model, double tokens) {
  double multiplications() {
    double sum = 0;
    for (ModelPart part : Composition.read(model.config(), model.tensors().keySet()).parts()) {
      for (TensorSlot slot : part.slots()) {
        sum += multiplications(part, slot);
      }
    }
    return sum;
  }

  private double multiplications(ModelPart part, TensorSlot slot) {
    boolean looksUp = slot.role() == Role.EMBEDDING || slot.role() == Role.POSITION_EMBEDDING;
    if (slot.shape().rank() < 2 || looksUp || isUnused(part, slot)) {
      return 0;
    }
    Dimensions sizes = part.dimensions();
    double met = slot.role().isExpert() ? (double) sizes.expertsPerToken() / sizes.experts() : 1;
    return met * slot.shape().elements() * tokens(part);
  }

  /// The last layer of a dense tower is never computed; with experts it is, for their routers.
  private static boolean isUnused(ModelPart part, TensorSlot slot) {
    OptionalInt layer = slot.match().layer();
    return part.part().filter(Part.VISION::equals).isPresent()
        && !part.family().mixtureOfExperts()
        && layer.isPresent()
        && layer.getAsInt() == part.dimensions().layers() - 1;
  }

  private double tokens(ModelPart part) {
    return switch (part.part().orElse(Part.LANGUAGE)) {
      case LANGUAGE -> tokens;
      case CONNECTOR -> places() - 1;
      case VISION -> places() * views(model.config());
    };
  }

  /// Tokens of a view of an image in the tower.
  private double places() {
    return Composition.read(model.config(), model.tensors().keySet())
        .find(Part.VISION)
        .orElseThrow()
        .dimensions()
        .require("positions");
  }

  private static double views(ModelConfig config) {
    double views = 0;
    for (JsonNode scale : config.json().path("scales")) {
      views += scale.asDouble() * scale.asDouble();
    }
    return views;
  }
}
