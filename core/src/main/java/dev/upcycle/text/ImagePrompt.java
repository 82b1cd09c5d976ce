package dev.upcycle.text;

import dev.upcycle.kernels.tensor.Gradients;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.model.ForwardPass;
import dev.upcycle.model.LlavaModel;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// A text and its images, ready to be read; its pixels belong to the scope that it was made in.
///
/// @param llava that reads it
/// @param ids with a place for each feature of each image
/// @param pixels of all images in the order of the text; null where there are none
public record ImagePrompt(LlavaModel llava, List<Long> ids, @Nullable Tensor pixels) {
  /// Takes a copy.
  public ImagePrompt {
    ids = List.copyOf(ids);
  }

  /// Reads the images of a text.
  ///
  /// @param ids with one mark for each image
  /// @throws IllegalArgumentException when there are more or fewer marks than files
  /// @throws dev.upcycle.image.ImageException when a file cannot be read
  public static ImagePrompt of(ImageReading reading, List<Long> ids, List<Path> files) {
    if (ImageReading.images(ids) != files.size()) {
      throw new IllegalArgumentException(
          "%d images for %d places".formatted(files.size(), ImageReading.images(ids)));
    }
    Tensor pixels = files.isEmpty() ? null : reading.pictures().read(files);
    return new ImagePrompt(reading.llava(), reading.spliced(ids), pixels);
  }

  /// What the decoder reads, `[1, seq, hidden]`; records no graph.
  ///
  /// @param ids its own, `[1, seq]`
  public Tensor embed(Tensor ids) {
    try (Gradients.Pause _ = Gradients.pause()) {
      return pixels == null
          ? llava.language().embed(ids)
          : llava.read(ids, pixels, ForwardPass.plain()).hidden();
    }
  }
}
