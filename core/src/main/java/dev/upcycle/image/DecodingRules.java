package dev.upcycle.image;

/// What to do with a file beyond its samples.
///
/// @param orientation whether a camera's note on how it was held turns the picture
/// @param maxPixels the largest picture that is opened, so that a small file cannot ask for
///   gigabytes
/// @param maxBytes the largest file that is opened
public record DecodingRules(Orientation orientation, long maxPixels, long maxBytes) {
  /// Where Pillow begins to warn of a decompression bomb: a quarter of a GiB of RGB.
  public static final long MAX_PIXELS = 89_478_485;

  private static final long MAX_BYTES = 512L << 20;

  /// As LLaVA, CuMo and `Image.open` read: orientation left alone, Pillow's limit.
  public static final DecodingRules DEFAULT =
      new DecodingRules(Orientation.AS_STORED, MAX_PIXELS, MAX_BYTES);

  /// Refuses limits below 1.
  public DecodingRules {
    if (maxPixels < 1 || maxBytes < 1) {
      throw new IllegalArgumentException(
          "limits of " + maxPixels + " pixels and " + maxBytes + " bytes, expected at least 1");
    }
  }

  /// These rules with another orientation.
  public DecodingRules with(Orientation other) {
    return new DecodingRules(other, maxPixels, maxBytes);
  }

  /// What a camera's note on how it was held (Exif tag 274) does.
  public enum Orientation {
    /// Nothing: the samples as they are stored. LLaVA and CuMo train on this.
    AS_STORED,
    /// The picture is turned and mirrored until it stands upright, as Pillow's `exif_transpose`.
    UPRIGHT
  }

  void checkSize(String name, long width, long height) {
    if (width < 1 || height < 1) {
      throw new ImageException(
          name + ": a picture of " + width + " x " + height + " pixels; the file is corrupt");
    }
    // both are below 2^32, so the product of two unsigned may pass a long: divide instead
    if (width > maxPixels / height) {
      throw new ImageException(
          name
              + ": "
              + width
              + " x "
              + height
              + " pixels, the limit is "
              + maxPixels
              + "; shrink the picture or raise the limit");
    }
  }
}
