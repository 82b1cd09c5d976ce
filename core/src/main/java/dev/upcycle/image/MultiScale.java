package dev.upcycle.image;

import java.util.ArrayList;
import java.util.List;

/// S² ("scaling on scales"): the tower sees the picture once whole and again, enlarged, in tiles.
///
/// At scale s the normalised tensor is enlarged s times by [TorchResize], cut into s × s tiles row
/// by row, and each tile goes through the tower. Their feature maps are put together again and
/// averaged down to the size of one.
public final class MultiScale {
  private MultiScale() {}

  /// The tiles at this scale, row by row; at 1 the tensor itself.
  public static List<ImageTensor> tiles(ImageTensor image, int scale) {
    if (scale == 1) {
      return List.of(image);
    }
    int height = Math.multiplyExact(image.height(), scale);
    int width = Math.multiplyExact(image.width(), scale);
    return split(TorchResize.bicubic(image, height, width), scale);
  }

  /// Tiles of equal size, row by row.
  ///
  /// @param perSide how many beside one another, and how many below
  /// @throws IllegalArgumentException when the sides cannot be divided so
  public static List<ImageTensor> split(ImageTensor image, int perSide) {
    requireDivisible(image, perSide);
    int height = image.height() / perSide;
    int width = image.width() / perSide;
    List<ImageTensor> tiles = new ArrayList<>();
    for (int row = 0; row < perSide; row++) {
      for (int column = 0; column < perSide; column++) {
        float[] tile = new float[ImageTensor.room(image.channels(), height, width)];
        for (int line = 0; line < image.channels() * height; line++) {
          int y = line / height * image.height() + row * height + line % height;
          System.arraycopy(
              image.array(), y * image.width() + column * width, tile, line * width, width);
        }
        tiles.add(ImageTensor.owning(image.channels(), height, width, tile));
      }
    }
    return List.copyOf(tiles);
  }

  /// What [#split] gave, put together again.
  ///
  /// @throws IllegalArgumentException when there are not `perSide` squared tiles of one shape
  public static ImageTensor merge(List<ImageTensor> tiles, int perSide) {
    if (perSide < 1 || tiles.size() != Math.multiplyExact(perSide, perSide)) {
      throw new IllegalArgumentException(
          tiles.size() + " tiles for " + perSide + " x " + perSide + " places");
    }
    ImageTensor first = tiles.getFirst();
    int height = Math.multiplyExact(first.height(), perSide);
    int width = Math.multiplyExact(first.width(), perSide);
    float[] merged = new float[ImageTensor.room(first.channels(), height, width)];
    for (int i = 0; i < tiles.size(); i++) {
      ImageTensor tile = tiles.get(i);
      if (tile.channels() != first.channels()
          || tile.height() != first.height()
          || tile.width() != first.width()) {
        throw new IllegalArgumentException("tile " + i + " is " + tile + ", the first " + first);
      }
      for (int line = 0; line < tile.channels() * tile.height(); line++) {
        int y = line / tile.height() * height + i / perSide * tile.height() + line % tile.height();
        System.arraycopy(
            tile.array(),
            line * tile.width(),
            merged,
            y * width + i % perSide * tile.width(),
            tile.width());
      }
    }
    return ImageTensor.owning(first.channels(), height, width, merged);
  }

  /// The mean of each block of `block` × `block` values, which is torch's `area` where the sides
  /// can be divided so.
  ///
  /// Summed in float32 row by row and divided by the height, then by the width, as torch does.
  ///
  /// @throws IllegalArgumentException when the sides cannot be divided so
  public static ImageTensor areaPool(ImageTensor image, int block) {
    requireDivisible(image, block);
    int height = image.height() / block;
    int width = image.width() / block;
    float[] pooled = new float[ImageTensor.room(image.channels(), height, width)];
    for (int i = 0; i < pooled.length; i++) {
      int line = i / width * block;
      float sum = 0;
      for (int y = line; y < line + block; y++) {
        int from = y * image.width() + i % width * block;
        for (int x = from; x < from + block; x++) {
          sum += image.array()[x];
        }
      }
      pooled[i] = sum / block / block;
    }
    return ImageTensor.owning(image.channels(), height, width, pooled);
  }

  private static void requireDivisible(ImageTensor image, int parts) {
    if (parts < 1 || image.height() % parts != 0 || image.width() % parts != 0) {
      throw new IllegalArgumentException(
          image + " cannot be cut " + parts + " times along both sides");
    }
  }
}
