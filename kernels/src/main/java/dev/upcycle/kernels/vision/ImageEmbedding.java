package dev.upcycle.kernels.vision;

import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.Tensors;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// What a vision tower makes of pixels before its first layer.
///
/// @param patches of an image
/// @param classToken `hidden` numbers in any shape, put before the patches; null for none
/// @param positions a learned vector per place, `places · hidden` numbers in any shape
public record ImageEmbedding(
    PatchEmbedding patches, @Nullable Tensor classToken, Tensor positions) {
  /// `[images, channels, height, width]` to `[images, places, hidden]`.
  ///
  /// @throws IllegalArgumentException when the images have more or fewer patches than positions
  public Tensor forward(Tensor pixels) {
    Tensor embedded = patches.forward(pixels);
    long hidden = embedded.size(2);
    Tensor places = classToken == null ? embedded : withClass(classToken, embedded);
    Tensor learned = positions.reshape(-1, hidden);
    if (learned.size(0) != places.size(1)) {
      throw new IllegalArgumentException(
          "images of %d by %d pixels have %d places, the tower has positions for %d"
              .formatted(pixels.size(2), pixels.size(3), places.size(1), learned.size(0)));
    }
    return places.plus(learned);
  }

  private static Tensor withClass(Tensor token, Tensor embedded) {
    long hidden = embedded.size(2);
    Tensor repeated = token.reshape(1, 1, hidden).expand(embedded.size(0), 1, hidden);
    return Tensors.concat(List.of(repeated, embedded), 1);
  }
}
