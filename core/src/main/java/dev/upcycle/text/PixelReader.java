package dev.upcycle.text;

import dev.upcycle.checkpoint.CheckpointFault;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.image.DecodingRules;
import dev.upcycle.image.ImageDecoder;
import dev.upcycle.image.ImageTensor;
import dev.upcycle.image.Preprocessing;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.Tensors;
import dev.upcycle.model.PixelShape;
import java.nio.file.Path;
import java.util.List;

/// Turns picture files into what a model's image tower takes, as its checkpoint says.
public final class PixelReader {
  private static final String FRAMING = "image_aspect_ratio";

  private final Preprocessing preprocessing;
  private final PixelShape shape;
  private final ImageDecoder decoder = new ImageDecoder(DecodingRules.DEFAULT);

  private PixelReader(Preprocessing preprocessing, PixelShape shape) {
    this.preprocessing = preprocessing;
    this.shape = shape;
  }

  /// Reads a checkpoint's `preprocessor_config.json`, and how LLaVA's own configs frame pictures.
  ///
  /// @param config of the whole model
  /// @param shape what its tower takes
  /// @throws CheckpointFormatException when there is none that can be followed
  public static PixelReader of(Path directory, ModelConfig config, PixelShape shape) {
    Preprocessing plain = Preprocessing.read(directory);
    Preprocessing framed =
        switch (config.findString(FRAMING).orElse("square")) {
          case "square" -> plain;
          case "pad" -> plain.paddedToSquare();
          default ->
              throw new CheckpointFormatException(
                  CheckpointFault.BAD_CONFIG_VALUE,
                  "%s: %s in config.json is %s, expected square or pad"
                      .formatted(directory, FRAMING, config.json().get(FRAMING)));
        };
    return new PixelReader(framed, shape);
  }

  /// Pixels of one size, `[images, channels, side, side]`, float32.
  ///
  /// @param files at least one
  /// @throws dev.upcycle.image.ImageException when one cannot be read
  /// @throws CheckpointFormatException when the checkpoint's preprocessing makes another size
  public Tensor read(List<Path> files) {
    return Tensors.stack(files.stream().map(this::read).toList(), 0);
  }

  private Tensor read(Path file) {
    ImageTensor image = preprocessing.apply(decoder.read(file));
    if (image.channels() != shape.channels()
        || image.height() != shape.side()
        || image.width() != shape.side()) {
      throw new CheckpointFormatException(
          CheckpointFault.BAD_CONFIG_VALUE,
          "%s: the model's preprocessing makes it %d x %d x %d, its tower takes %d x %d x %d"
              .formatted(
                  file,
                  image.channels(),
                  image.height(),
                  image.width(),
                  shape.channels(),
                  shape.side(),
                  shape.side()));
    }
    return Tensors.of(image.values(), shape.channels(), shape.side(), shape.side());
  }
}
