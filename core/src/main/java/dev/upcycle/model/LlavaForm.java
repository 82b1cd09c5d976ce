package dev.upcycle.model;

import dev.upcycle.arch.Architecture;
import dev.upcycle.arch.ConnectorConfig;
import dev.upcycle.arch.ImageFeatures;
import dev.upcycle.arch.SingleConfig;
import dev.upcycle.arch.TowerState;
import dev.upcycle.checkpoint.CheckpointFault;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.vision.ImageSplice;
import dev.upcycle.kernels.vision.ScalePyramid;
import dev.upcycle.recipe.Part;
import java.util.List;

/// What the config of a LLaVA says of the whole.
///
/// @param state of the tower that is used, as [VisionTower#layersTo] counts
/// @param features which of its places
/// @param pyramid the scales at which an image is looked at
/// @param splice the id that keeps places free
record LlavaForm(
    long state, ImageFeatures.Strategy features, ScalePyramid pyramid, ImageSplice splice) {
  /// A scale of s is s · s passes of the tower: a config must not ask for more than memory holds.
  private static final int MOST_SCALE = 16;

  /// Of a tower's states `[images, places, hidden]` the features `[images, features, hidden]`.
  Tensor features(Tensor states) {
    return switch (features) {
      case WITHOUT_FIRST -> states.narrow(1, 1, states.size(1) - 1);
      case ALL -> states;
    };
  }

  /// Reads a composition's config.
  ///
  /// @throws CheckpointFormatException when it is something else, or a key is wrong
  static LlavaForm of(StoredPart whole) {
    if (!composed(whole.family())) {
      throw new CheckpointFormatException(
          CheckpointFault.BAD_CONFIG_VALUE,
          "%s is a %s, expected a LLaVA"
              .formatted(whole.checkpoint().directory(), whole.family().modelType()));
    }
    ModelConfig config = SingleConfig.spelled(whole.family(), CheckpointBinding.of(whole).config());
    ImageFeatures features = ImageFeatures.of(config);
    return new LlavaForm(
        TowerState.value(whole.family(), config),
        features.strategy(),
        new ScalePyramid(scales(config)),
        new ImageSplice(features.placeholder()));
  }

  static boolean composed(Architecture family) {
    return family.parts().stream().anyMatch(rule -> rule.part() == Part.CONNECTOR);
  }

  private static List<Integer> scales(ModelConfig config) {
    List<Integer> scales = ConnectorConfig.scales(config);
    if (scales.stream().anyMatch(scale -> scale > MOST_SCALE)) {
      throw ConfigWords.bad(config, "scales", "whole numbers from 1 to " + MOST_SCALE);
    }
    return scales;
  }

  /// Ids that are all in the vocabulary: those that keep places free need not be.
  Tensor words(Tensor ids) {
    Tensor free = ids.isEqualTo(splice.placeholder()).to(ids.dtype());
    return ids.minus(ids.times(free));
  }
}
