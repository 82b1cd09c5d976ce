package dev.upcycle.kernels.vision;

import dev.upcycle.kernels.tensor.DType;
import dev.upcycle.kernels.tensor.Functions;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.Tensors;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;

/// Looks at images at several scales with a tower of one size and puts the features side by side
/// (S², arXiv 2403.13043, as CuMo, arXiv 2405.05949, does it).
///
/// At scale `s` the prepared pixels are enlarged `s` times and cut into `s · s` tiles of the
/// tower's size; the tiles' features are laid out as one map again and averaged back to the map of
/// scale 1. It sees no more pixels than scale 1 does: it spends more positions on them.
///
/// @param scales whole numbers from 1, in the order of features
public record ScalePyramid(List<Integer> scales) {
  /// Refuses an empty list and scales below 1.
  public ScalePyramid {
    scales = List.copyOf(scales);
    if (scales.isEmpty() || scales.stream().anyMatch(scale -> scale < 1)) {
      throw new IllegalArgumentException("scales must be whole numbers from 1, not " + scales);
    }
  }

  /// The tower's own scale and no other.
  public static ScalePyramid single() {
    return new ScalePyramid(List.of(1));
  }

  /// `[images, channels, side, side]` to `[images, patches, scales · hidden]`.
  ///
  /// @param tower from pixels of its size to `[images, patches, hidden]`, without a class token
  public Tensor forward(Tensor pixels, UnaryOperator<Tensor> tower) {
    return joined(views(pixels).stream().map(tower).toList(), pixels.size(0));
  }

  /// What the tower sees at each scale, `[tiles · images, channels, side, side]`.
  public List<Tensor> views(Tensor pixels) {
    return scales.stream().map(scale -> scale == 1 ? pixels : tiles(pixels, scale)).toList();
  }

  /// What the tower makes of [#views], side by side, `[images, patches, scales · hidden]`.
  ///
  /// @param features `[tiles · images, patches, hidden]` of each scale, without a class token
  public Tensor joined(List<Tensor> features, long images) {
    List<Tensor> maps = new ArrayList<>();
    for (int i = 0; i < scales.size(); i++) {
      int scale = scales.get(i);
      maps.add(scale == 1 ? features.get(i) : averaged(features.get(i), scale, images));
    }
    return Tensors.concat(maps, 2);
  }

  /// Images enlarged and cut, `[scale · scale · images, channels, side, side]`: the first tile of
  /// every image, then the second, row by row.
  static Tensor tiles(Tensor pixels, int scale) {
    long images = pixels.size(0);
    long channels = pixels.size(1);
    long height = pixels.size(2);
    long width = pixels.size(3);
    return Functions.bicubic(pixels.to(DType.F32), height * scale, width * scale)
        .to(pixels.dtype())
        .view(images, channels, scale, height, scale, width)
        .permute(2, 4, 0, 1, 3, 5)
        .reshape(images * scale * scale, channels, height, width);
  }

  /// The features of tiles as one map, each `scale` by `scale` of it averaged.
  private static Tensor averaged(Tensor features, int scale, long images) {
    long side = Math.round(Math.sqrt((double) features.size(1)));
    long hidden = features.size(2);
    return features
        .to(DType.F32)
        .view(scale, scale, images, side, side, hidden)
        .permute(2, 0, 3, 1, 4, 5)
        .reshape(images, side, scale, side, scale, hidden)
        .mean(4)
        .mean(2)
        .reshape(images, side * side, hidden)
        .to(features.dtype());
  }
}
