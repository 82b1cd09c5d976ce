package dev.upcycle.image;

/// A number for each channel, such as a mean.
public record ChannelValues(double red, double green, double blue) {
  /// Refuses what is not finite.
  public ChannelValues {
    if (!Double.isFinite(red) || !Double.isFinite(green) || !Double.isFinite(blue)) {
      throw new IllegalArgumentException(
          "channel values (" + red + ", " + green + ", " + blue + "), expected finite numbers");
    }
  }

  /// The value of channel 0, 1 or 2.
  public double of(int channel) {
    return switch (channel) {
      case 0 -> red;
      case 1 -> green;
      case 2 -> blue;
      default -> throw new IndexOutOfBoundsException(channel);
    };
  }
}
