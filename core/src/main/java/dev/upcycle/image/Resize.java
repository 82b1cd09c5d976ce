package dev.upcycle.image;

import java.util.Arrays;

/// `Image.resize` of Pillow up to version 12 on 8-bit RGB, bit for bit.
///
/// Every filter but [Resampling#NEAREST] runs twice, first along rows, then along columns, each
/// time in fixed point and rounded to 8 bits between. (Pillow 13 takes the columns first where the
/// height shrinks much more than the width, which gives other samples.)
public final class Resize {
  private static final int HALF = 1 << (FilterWeights.PRECISION_BITS - 1);

  private Resize() {}

  /// The image at this size; the image itself when it has it.
  ///
  /// @throws IllegalArgumentException when a side is below 1 or the result passes an array
  public static RgbImage of(RgbImage image, int width, int height, Resampling filter) {
    byte[] room = RgbImage.room(width, height);
    if (width == image.width() && height == image.height()) {
      return image;
    }
    if (filter == Resampling.NEAREST) {
      return nearest(image, width, height, room);
    }
    RgbImage wide = width == image.width() ? image : alongRows(image, width, filter);
    return height == image.height() ? wide : alongColumns(wide, height, filter);
  }

  private static RgbImage nearest(RgbImage image, int width, int height, byte[] target) {
    int[] columns = nearestPositions(image.width(), width);
    int[] rows = nearestPositions(image.height(), height);
    byte[] source = image.array();
    int to = 0;
    for (int row : rows) {
      for (int column : columns) {
        int from = (row * image.width() + column) * RgbImage.CHANNELS;
        target[to++] = source[from];
        target[to++] = source[from + 1];
        target[to++] = source[from + 2];
      }
    }
    return RgbImage.owning(width, height, target);
  }

  /// Pillow adds the step up, and the rounding of the sums decides some positions.
  private static int[] nearestPositions(int source, int target) {
    double step = (double) source / target;
    double position = step * 0.5;
    int[] positions = new int[target];
    for (int i = 0; i < target; i++) {
      positions[i] = Math.min((int) position, source - 1);
      position += step;
    }
    return positions;
  }

  private static RgbImage alongRows(RgbImage image, int width, Resampling filter) {
    FilterWeights weights = FilterWeights.of(filter, image.width(), width);
    byte[] target = RgbImage.room(width, image.height());
    byte[] source = image.array();
    int to = 0;
    for (int y = 0; y < image.height(); y++) {
      int row = y * image.width() * RgbImage.CHANNELS;
      for (int x = 0; x < width; x++) {
        weigh(source, row + weights.starts()[x] * RgbImage.CHANNELS, weights, x, target, to);
        to += RgbImage.CHANNELS;
      }
    }
    return RgbImage.owning(width, image.height(), target);
  }

  private static void weigh(
      byte[] source, int from, FilterWeights weights, int x, byte[] target, int to) {
    int red = HALF;
    int green = HALF;
    int blue = HALF;
    int at = from;
    int first = x * weights.stride();
    int[] values = weights.weights();
    for (int k = first; k < first + weights.counts()[x]; k++) {
      int weight = values[k];
      red += (source[at] & 0xff) * weight;
      green += (source[at + 1] & 0xff) * weight;
      blue += (source[at + 2] & 0xff) * weight;
      at += RgbImage.CHANNELS;
    }
    target[to] = clip(red);
    target[to + 1] = clip(green);
    target[to + 2] = clip(blue);
  }

  private static RgbImage alongColumns(RgbImage image, int height, Resampling filter) {
    FilterWeights weights = FilterWeights.of(filter, image.height(), height);
    int line = image.width() * RgbImage.CHANNELS;
    byte[] target = RgbImage.room(image.width(), height);
    int[] sums = new int[line];
    for (int y = 0; y < height; y++) {
      Arrays.fill(sums, HALF);
      int first = y * weights.stride();
      for (int k = 0; k < weights.counts()[y]; k++) {
        add(image.array(), (weights.starts()[y] + k) * line, weights.weights()[first + k], sums);
      }
      for (int i = 0; i < line; i++) {
        target[y * line + i] = clip(sums[i]);
      }
    }
    return RgbImage.owning(image.width(), height, target);
  }

  private static void add(byte[] source, int from, int weight, int[] sums) {
    for (int i = 0; i < sums.length; i++) {
      sums[i] += (source[from + i] & 0xff) * weight;
    }
  }

  private static byte clip(int sum) {
    return (byte) Math.clamp(sum >> FilterWeights.PRECISION_BITS, 0, 255);
  }
}
