package dev.upcycle.image;

import java.util.Arrays;

/// A picture of 8-bit red, green and blue samples, `[height, width, 3]`, row by row from the top.
public final class RgbImage {
  /// Samples of one pixel.
  public static final int CHANNELS = 3;

  private final int width;
  private final int height;
  private final byte[] samples;

  private RgbImage(int width, int height, byte[] samples) {
    this.width = width;
    this.height = height;
    this.samples = samples;
  }

  /// An image with a copy of these samples.
  ///
  /// @throws IllegalArgumentException when a side is below 1 or the count of samples does not fit
  public static RgbImage of(int width, int height, byte[] samples) {
    return owning(width, height, samples.clone());
  }

  /// The same without a copy; the caller gives the array away.
  static RgbImage owning(int width, int height, byte[] samples) {
    if (samples.length != sampleCount(width, height)) {
      throw new IllegalArgumentException(
          samples.length + " samples for an image of " + width + " x " + height);
    }
    return new RgbImage(width, height, samples);
  }

  /// Room for an image of this size.
  ///
  /// @throws IllegalArgumentException when a side is below 1 or an array cannot hold it
  static byte[] room(int width, int height) {
    return new byte[Math.toIntExact(sampleCount(width, height))];
  }

  private static long sampleCount(int width, int height) {
    if (width < 1 || height < 1) {
      throw new IllegalArgumentException("an image of " + width + " x " + height + " pixels");
    }
    long count = (long) width * height * CHANNELS;
    if (count > Integer.MAX_VALUE - 8) {
      throw new IllegalArgumentException(
          "an image of " + width + " x " + height + " pixels passes what an array holds");
    }
    return count;
  }

  public int width() {
    return width;
  }

  public int height() {
    return height;
  }

  /// A copy of the samples.
  public byte[] samples() {
    return samples.clone();
  }

  /// The samples themselves, only to be read.
  byte[] array() {
    return samples;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof RgbImage image
        && width == image.width
        && height == image.height
        && Arrays.equals(samples, image.samples);
  }

  @Override
  public int hashCode() {
    return 31 * (31 * width + height) + Arrays.hashCode(samples);
  }

  @Override
  public String toString() {
    return "RgbImage[" + width + " x " + height + "]";
  }
}
