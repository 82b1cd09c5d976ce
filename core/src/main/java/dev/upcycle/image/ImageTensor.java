package dev.upcycle.image;

import java.util.Arrays;

/// Float32 values `[channels, height, width]`, as a vision tower takes and gives them.
public final class ImageTensor {
  private final int channels;
  private final int height;
  private final int width;
  private final float[] values;

  private ImageTensor(int channels, int height, int width, float[] values) {
    this.channels = channels;
    this.height = height;
    this.width = width;
    this.values = values;
  }

  /// A tensor with a copy of these values.
  ///
  /// @throws IllegalArgumentException when a dimension is below 1 or the count does not fit
  public static ImageTensor of(int channels, int height, int width, float[] values) {
    return owning(channels, height, width, values.clone());
  }

  /// The same without a copy; the caller gives the array away.
  static ImageTensor owning(int channels, int height, int width, float[] values) {
    if (values.length != room(channels, height, width)) {
      throw new IllegalArgumentException(
          values.length + " values for a tensor " + channels + " x " + height + " x " + width);
    }
    return new ImageTensor(channels, height, width, values);
  }

  /// How many values this shape has.
  ///
  /// @throws IllegalArgumentException when a dimension is below 1 or an array cannot hold it
  static int room(int channels, int height, int width) {
    if (channels < 1 || height < 1 || width < 1) {
      throw new IllegalArgumentException("a tensor " + channels + " x " + height + " x " + width);
    }
    if ((long) height * width > (Integer.MAX_VALUE - 8) / channels) {
      throw new IllegalArgumentException(
          "a tensor " + channels + " x " + height + " x " + width + " passes what an array holds");
    }
    return channels * height * width;
  }

  public int channels() {
    return channels;
  }

  public int height() {
    return height;
  }

  public int width() {
    return width;
  }

  /// A copy of the values, channel by channel, row by row.
  public float[] values() {
    return values.clone();
  }

  /// Copies the values into `target` from `offset` on, for a batch in one array.
  public void copyTo(float[] target, int offset) {
    System.arraycopy(values, 0, target, offset, values.length);
  }

  /// The values themselves, only to be read.
  float[] array() {
    return values;
  }

  /// Equal shapes and equal bits.
  @Override
  public boolean equals(Object other) {
    return other instanceof ImageTensor tensor
        && channels == tensor.channels
        && height == tensor.height
        && width == tensor.width
        && Arrays.equals(values, tensor.values);
  }

  @Override
  public int hashCode() {
    return 31 * (31 * (31 * channels + height) + width) + Arrays.hashCode(values);
  }

  @Override
  public String toString() {
    return "ImageTensor[" + channels + " x " + height + " x " + width + "]";
  }
}
