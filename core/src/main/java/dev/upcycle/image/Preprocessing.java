package dev.upcycle.image;

import dev.upcycle.image.Framing.Colour;
import dev.upcycle.image.PixelStep.PadToSquare;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// The way from a picture to what a vision tower takes, as a checkpoint's config says.
///
/// Bit for bit that of Hugging Face's processors on Pillow and numpy (`CLIPImageProcessor` of
/// transformers 4.57, `CLIPImageProcessorPil` of 5.23, and their kin). The processors on
/// torchvision ("Fast") resize otherwise.
///
/// @param pixelSteps in order
/// @param valueSteps in order, after them
/// @param mean the config's mean, also where no step subtracts it: the colour that fills a square
public record Preprocessing(
    List<PixelStep> pixelSteps, List<ValueStep> valueSteps, ChannelValues mean) {
  /// Where a checkpoint keeps it, of late also inside its `processor_config.json`.
  public static final String FILE_NAME = "preprocessor_config.json";

  private static final int LEVELS = 256;

  public Preprocessing {
    pixelSteps = List.copyOf(pixelSteps);
    valueSteps = List.copyOf(valueSteps);
  }

  /// Reads a checkpoint's `preprocessor_config.json`, or where there is none the image processor in
  /// its `processor_config.json`.
  ///
  /// @throws dev.upcycle.checkpoint.CheckpointFormatException when neither is there, or a key is
  ///   wrong, unknown, or means different things to the two generations of transformers
  public static Preprocessing read(Path directory) {
    return PreprocessorConfig.read(directory).preprocessing();
  }

  /// The same after a square was filled around the picture with the mean's colour: LLaVA's and
  /// CuMo's `image_aspect_ratio: pad`. This one where it does so already.
  public Preprocessing paddedToSquare() {
    if (pixelSteps.stream().anyMatch(PadToSquare.class::isInstance)) {
      return this;
    }
    List<PixelStep> steps = new ArrayList<>();
    steps.add(new PadToSquare(Colour.ofMean(mean)));
    steps.addAll(pixelSteps);
    return new Preprocessing(steps, valueSteps, mean);
  }

  /// `[3, height, width]`.
  public ImageTensor apply(RgbImage image) {
    RgbImage framed = image;
    for (PixelStep step : pixelSteps) {
      framed = step.apply(framed);
    }
    int pixels = framed.width() * framed.height();
    float[] values =
        new float[ImageTensor.room(RgbImage.CHANNELS, framed.height(), framed.width())];
    byte[] samples = framed.array();
    for (int channel = 0; channel < RgbImage.CHANNELS; channel++) {
      float[] table = table(channel);
      int from = channel;
      for (int i = channel * pixels; i < (channel + 1) * pixels; i++) {
        values[i] = table[samples[from] & 0xff];
        from += RgbImage.CHANNELS;
      }
    }
    return ImageTensor.owning(RgbImage.CHANNELS, framed.height(), framed.width(), values);
  }

  /// A sample has 256 values, so each is computed once.
  private float[] table(int channel) {
    float[] table = new float[LEVELS];
    for (int level = 0; level < LEVELS; level++) {
      float value = level;
      for (ValueStep step : valueSteps) {
        value = step.apply(value, channel);
      }
      table[level] = value;
    }
    return table;
  }
}
