package dev.upcycle.train;

import dev.upcycle.arch.Dimensions;
import dev.upcycle.recipe.Stage;
import java.util.List;

/// The activations of an image tower and a connector, counted from the operations of their layers.
///
/// @param tower its sizes
/// @param scales at which it looks at an image
/// @param precision of activations
/// @param images of a micro-batch
record SightMemory(Dimensions tower, List<Integer> scales, Stage.Precision precision, int images) {
  /// Two norms, sum and input of each; queries, keys, values; what attention gives, and its
  /// projection; two residual sums.
  private static final long STREAM_COPIES = 11;

  /// Before and after the activation.
  private static final long INNER_COPIES = 2;

  /// Of a token's assignments, as [DecoderMemory] counts them.
  private static final long ASSIGNED_COPIES = 5;

  /// Of one layer, over all scales.
  long layerBytes() {
    long views = scales.stream().mapToLong(scale -> (long) scale * scale).sum();
    long tokens = Math.multiplyExact(images * views, tower.require("positions"));
    long inner = INNER_COPIES * tower.intermediate() * tower.expertsPerToken();
    long stream = STREAM_COPIES * tower.hidden();
    return Math.multiplyExact(tokens, width() * (stream + inner + assigned(tower)));
  }

  /// Of the connector.
  ///
  /// @param connector its sizes
  long connectorBytes(Dimensions connector) {
    long tokens = Math.multiplyExact((long) images, tower.require("positions"));
    long inner = (1 + INNER_COPIES) * connector.hidden() * connector.expertsPerToken();
    return Math.multiplyExact(
        tokens, width() * (connector.require("input") + inner + assigned(connector)));
  }

  private static long assigned(Dimensions sizes) {
    return sizes.experts() > 1 ? ASSIGNED_COPIES * sizes.hidden() * sizes.expertsPerToken() : 0;
  }

  private long width() {
    return switch (precision) {
      case F32 -> Float.BYTES;
      case BF16 -> Short.BYTES;
    };
  }
}
