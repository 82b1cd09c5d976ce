package dev.upcycle.image;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Map;

/// Opens JPEG (baseline and progressive) and PNG as Pillow's `Image.open(…).convert("RGB")` does:
/// the same samples, transparency dropped.
///
/// Recognised by content, not by name. What is not read is refused by name: other formats,
/// arithmetic, lossless and 12-bit JPEG, 16-bit gray PNG (Pillow turns all but the darkest to
/// white), and files that end early.
public final class ImageDecoder {
  private static final int MAGIC = 12;

  private static final Map<String, String> OTHER_FORMATS =
      Map.of(
          "GIF8", "GIF",
          "BM", "BMP",
          "II*\0", "TIFF",
          "MM\0*", "TIFF",
          "RIFF", "WebP",
          "\0\0\0\fjP  ", "JPEG 2000",
          "\0\0\1\0", "ICO",
          "8BPS", "PSD",
          "<svg", "SVG",
          "<?xml", "XML, perhaps SVG");

  private final DecodingRules rules;

  public ImageDecoder(DecodingRules rules) {
    this.rules = rules;
  }

  /// Reads a file.
  ///
  /// @throws ImageException when it cannot be read, is corrupt, too large or of another kind
  public RgbImage read(Path file) {
    try {
      long size = Files.size(file);
      if (!Files.isRegularFile(file)) {
        throw new ImageException(file + ": is not a file, expected a JPEG or PNG");
      }
      if (size > rules.maxBytes()) {
        throw new ImageException(
            file + ": " + size + " bytes, the limit is " + rules.maxBytes() + "; shrink the file");
      }
      return decode(Files.readAllBytes(file), file.toString());
    } catch (NoSuchFileException e) {
      throw new ImageException(file + ": there is no such file; correct the path", e);
    } catch (IOException e) {
      throw new ImageException(file + ": cannot be read (" + e + ")", e);
    }
  }

  /// Decodes a file's bytes.
  ///
  /// @param name what errors call it
  /// @throws ImageException when they are corrupt, too large or of another kind
  public RgbImage decode(byte[] bytes, String name) {
    if (JpegFile.begins(bytes)) {
      JpegFile file = JpegFile.parse(bytes, name);
      rules.checkSize(name, file.width(), file.height());
      return oriented(JpegSamples.read(file), file.exif());
    }
    if (PngFile.begins(bytes)) {
      PngFile file = PngFile.parse(bytes, name);
      rules.checkSize(name, file.width(), file.height());
      return oriented(PngSamples.read(file), file.exif());
    }
    throw new ImageException(
        name + ": " + kind(bytes) + ", expected JPEG or PNG; convert it to one of them");
  }

  private RgbImage oriented(RgbImage image, byte[] exif) {
    return switch (rules.orientation()) {
      case AS_STORED -> image;
      case UPRIGHT -> ExifOrientation.upright(image, ExifOrientation.read(exif));
    };
  }

  private static String kind(byte[] bytes) {
    if (bytes.length == 0) {
      return "is empty";
    }
    String start = new String(bytes, 0, Math.min(MAGIC, bytes.length), StandardCharsets.ISO_8859_1);
    if (start.startsWith("ftyp", 4)) {
      return "is AVIF, HEIC or a video";
    }
    return OTHER_FORMATS.entrySet().stream()
        .filter(format -> start.startsWith(format.getKey()))
        .findFirst()
        .map(format -> "is " + format.getValue())
        .orElse("is no image that is known here");
  }
}
