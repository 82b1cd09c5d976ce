package dev.upcycle.data;

import dev.upcycle.arch.Architecture;
import dev.upcycle.arch.Composition;
import dev.upcycle.arch.ImageFeatures;
import dev.upcycle.arch.ModelPart;
import dev.upcycle.arch.Role;
import dev.upcycle.arch.SingleConfig;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.image.Preprocessing;
import dev.upcycle.recipe.Part;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;

/// How a model takes images.
///
/// @param preprocessing from a picture to what its tower reads
/// @param splice the places that a text keeps free for an image's features
/// @param side of the square that its tower reads, in pixels
public record ImageInput(Preprocessing preprocessing, Splice splice, int side) {
  /// As a LLaVA's directory says; empty for a model without an image tower.
  ///
  /// @throws dev.upcycle.checkpoint.CheckpointFormatException when its configs do not say
  public static Optional<ImageInput> find(Path directory, ModelConfig config) {
    Architecture whole = Architecture.require(config.modelType());
    if (whole.parts().stream().noneMatch(rule -> rule.part() == Part.CONNECTOR)) {
      return Optional.empty();
    }
    ModelPart vision = Composition.read(config, Set.of()).find(Part.VISION).orElseThrow();
    ModelConfig tower = vision.family().complete(vision.config());
    ImageFeatures features = ImageFeatures.of(SingleConfig.spelled(whole, config));
    long side = tower.requireLong("image_size");
    return Optional.of(
        new ImageInput(
            Preprocessing.read(directory),
            new Splice(features.placeholder(), count(vision.family(), tower, features.strategy())),
            Math.toIntExact(side)));
  }

  private static int count(
      Architecture family, ModelConfig tower, ImageFeatures.Strategy strategy) {
    long across = tower.requireLong("image_size") / tower.requireLong("patch_size");
    long states = across * across + (family.has(Role.CLASS_EMBEDDING) ? 1 : 0);
    return strategy.count(states);
  }
}
