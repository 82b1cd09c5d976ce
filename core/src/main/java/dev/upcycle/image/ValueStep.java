package dev.upcycle.image;

/// A change of the samples' values, on float32.
public sealed interface ValueStep {
  /// The value after this step.
  ///
  /// @param channel 0 red, 1 green, 2 blue
  float apply(float value, int channel);

  /// Times a factor, in float64 and then rounded, as Hugging Face's `rescale` on numpy.
  record Rescale(double factor) implements ValueStep {
    /// Refuses what is not finite.
    public Rescale {
      if (!Double.isFinite(factor)) {
        throw new IllegalArgumentException("a rescale factor of " + factor);
      }
    }

    @Override
    public float apply(float value, int channel) {
      return (float) (value * factor);
    }
  }

  /// Less the mean, by the deviation, both rounded to float32 first, and each operation in float32.
  record Normalise(ChannelValues mean, ChannelValues deviation) implements ValueStep {
    /// Refuses a deviation that is zero in float32.
    public Normalise {
      for (int channel = 0; channel < RgbImage.CHANNELS; channel++) {
        if ((float) deviation.of(channel) == 0) {
          throw new IllegalArgumentException("a standard deviation of 0 in " + deviation);
        }
      }
    }

    @Override
    public float apply(float value, int channel) {
      return (value - (float) mean.of(channel)) / (float) deviation.of(channel);
    }
  }
}
