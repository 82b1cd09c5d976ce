package dev.upcycle.function;

import dev.upcycle.arch.Architecture;
import dev.upcycle.arch.Role;
import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.function.FunctionReport.Inputs;
import dev.upcycle.model.ModelOptions;
import dev.upcycle.recipe.Part;
import java.util.Optional;

/// A dense model and a target of one kind, bound to be walked together.
sealed interface ModelPair
    permits DecoderPair, TowerPair, TextPair, ClipPair, ConnectorPair, LlavaPair {
  /// Why they cannot be walked together; empty when they can.
  Optional<String> mismatch();

  /// Whether the weights of a token's experts sum to 1 in a part of the target.
  ///
  /// @param part of a model of one part it does not matter
  boolean renormalises(Optional<Part> part);

  /// How many layers the walk passes, those passed twice counted twice.
  int steps();

  /// Walks both.
  ///
  /// @return what they saw
  Inputs walk(SideBySide walk, ProbePixels pixels) throws InterruptedException;

  /// What models can be compared as.
  enum Kind {
    DECODER("writes texts"),
    TOWER("is an image tower"),
    TEXT_TOWER("is a text tower"),
    CLIP("compares images with texts"),
    CONNECTOR("is a connector"),
    LLAVA("writes texts about images");

    private final String does;

    Kind(String does) {
      this.does = does;
    }

    static Kind of(Checkpoint checkpoint) {
      Architecture family = Architecture.require(checkpoint.config().modelType());
      if (family.parts().stream().anyMatch(rule -> rule.part() == Part.CONNECTOR)) {
        return LLAVA;
      }
      if (family.has(Role.LOGIT_SCALE)) {
        return CLIP;
      }
      if (family.decodes()) {
        return DECODER;
      }
      return switch (family.part().orElse(Part.LANGUAGE)) {
        case VISION -> TOWER;
        case CONNECTOR -> CONNECTOR;
        case LANGUAGE -> TEXT_TOWER;
      };
    }

    /// Whether it is shown images.
    boolean sees() {
      return switch (this) {
        case TOWER, CLIP, LLAVA -> true;
        case DECODER, TEXT_TOWER, CONNECTOR -> false;
      };
    }
  }

  /// Why two checkpoints are not of one kind; empty when they are.
  static Optional<String> differentKinds(Checkpoint dense, Checkpoint target) {
    Kind ours = Kind.of(dense);
    Kind theirs = Kind.of(target);
    return ours == theirs
        ? Optional.empty()
        : Optional.of(
            "a %s %s, the dense model %s"
                .formatted(target.config().modelType(), theirs.does, ours.does));
  }

  /// Binds two models of one kind, to be computed in float32 on the CPU; reads no weights.
  ///
  /// @throws dev.upcycle.checkpoint.CheckpointFormatException when either cannot be bound
  static ModelPair open(Checkpoint dense, Checkpoint target) {
    ModelOptions options = ModelOptions.cpu();
    return switch (Kind.of(dense)) {
      case DECODER -> DecoderPair.open(dense, target, options);
      case TOWER -> TowerPair.open(dense, target, options);
      case TEXT_TOWER -> TextPair.open(dense, target, options);
      case CLIP -> ClipPair.open(dense, target, options);
      case CONNECTOR -> ConnectorPair.open(dense, target, options);
      case LLAVA -> LlavaPair.open(dense, target, options);
    };
  }
}
