package dev.upcycle.image;

import java.util.Arrays;
import java.util.Optional;

/// Pillow's filters, with the numbers that `resample` has in a checkpoint's config.
public enum Resampling {
  /// The source pixel under the middle of the target pixel.
  NEAREST(0, 0),
  /// A sinc windowed by a sinc three times as wide.
  LANCZOS(1, 3),
  /// A triangle.
  BILINEAR(2, 1),
  /// The cubic convolution with a = -0.5.
  BICUBIC(3, 2),
  /// The mean over the target pixel.
  BOX(4, 0.5),
  /// A sinc in a Hamming window.
  HAMMING(5, 1);

  private static final double CUBIC = -0.5;

  private final int number;
  private final double support;

  Resampling(int number, double support) {
    this.number = number;
    this.support = support;
  }

  /// The filter with this number in Pillow and in `preprocessor_config.json`.
  public static Optional<Resampling> find(long number) {
    return Arrays.stream(values()).filter(filter -> filter.number == number).findFirst();
  }

  /// Its number in Pillow.
  public int number() {
    return number;
  }

  /// How far the filter reaches from its middle, in source pixels, when enlarging.
  double support() {
    return support;
  }

  /// The filter's value at this distance from its middle. The order of operations is Pillow's, for
  /// the weights are rounded afterwards.
  double weight(double distance) {
    return switch (this) {
      case NEAREST -> throw new IllegalStateException("nearest has no weights");
      case BOX -> distance > -0.5 && distance <= 0.5 ? 1 : 0;
      case BILINEAR -> Math.max(0, 1 - Math.abs(distance));
      case HAMMING -> hamming(Math.abs(distance));
      case BICUBIC -> cubic(Math.abs(distance));
      case LANCZOS -> distance >= -3 && distance < 3 ? sinc(distance) * sinc(distance / 3) : 0;
    };
  }

  private static double hamming(double x) {
    if (x == 0) {
      return 1;
    }
    if (x >= 1) {
      return 0;
    }
    double angle = x * Math.PI;
    return StrictMath.sin(angle) / angle * (0.54 + 0.46 * StrictMath.cos(angle));
  }

  private static double cubic(double x) {
    if (x < 1) {
      return ((CUBIC + 2) * x - (CUBIC + 3)) * x * x + 1;
    }
    return x < 2 ? (((x - 5) * x + 8) * x - 4) * CUBIC : 0;
  }

  private static double sinc(double x) {
    if (x == 0) {
      return 1;
    }
    double angle = x * Math.PI;
    return StrictMath.sin(angle) / angle;
  }
}
