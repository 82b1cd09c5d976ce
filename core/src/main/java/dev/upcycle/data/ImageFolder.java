package dev.upcycle.data;

import dev.upcycle.image.DecodingRules;
import dev.upcycle.image.ImageDecoder;
import dev.upcycle.image.ImageException;
import dev.upcycle.image.ImageTensor;
import dev.upcycle.image.Preprocessing;
import java.nio.file.Path;

/// The images that rows name, read and prepared; any thread.
///
/// @param folder that names are relative to
/// @param preprocessing of each
/// @param side of the square that must come out, in pixels
public record ImageFolder(Path folder, Preprocessing preprocessing, int side) {
  private static final ImageDecoder DECODER = new ImageDecoder(DecodingRules.DEFAULT);

  /// Reads and prepares one.
  ///
  /// @throws ImageException when it cannot be opened
  public ImageTensor read(String name) {
    ImageTensor pixels = preprocessing.apply(DECODER.read(folder.resolve(name)));
    if (pixels.height() != side || pixels.width() != side) {
      throw new ImageException(
          "%s: prepared it has %d x %d pixels, the image tower takes %d x %d; correct size and"
                  .formatted(name, pixels.width(), pixels.height(), side, side)
              + " crop_size in preprocessor_config.json");
    }
    return pixels;
  }
}
