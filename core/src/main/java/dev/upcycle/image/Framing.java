package dev.upcycle.image;

import java.util.Arrays;

/// Cuts and fills around a picture, as Hugging Face's processors on numpy do.
public final class Framing {
  private Framing() {}

  /// The middle of the image at this size, with black where the image is smaller.
  ///
  /// An odd rest goes, where it is cut, to the bottom and right, and where it is filled, to the top
  /// and left. (The torchvision processors fill the other way round.)
  ///
  /// @throws IllegalArgumentException when a side is below 1
  public static RgbImage centreCrop(RgbImage image, int width, int height) {
    return placed(
        image,
        new Canvas(width, height, Colour.BLACK),
        Math.floorDiv(image.width() - width, 2),
        Math.floorDiv(image.height() - height, 2));
  }

  /// The image in the middle of a square of its longer side; an odd rest goes to the bottom or
  /// right.
  public static RgbImage padToSquare(RgbImage image, Colour background) {
    int side = Math.max(image.width(), image.height());
    if (image.width() == image.height()) {
      return image;
    }
    return placed(
        image,
        new Canvas(side, side, background),
        -((side - image.width()) / 2),
        -((side - image.height()) / 2));
  }

  private record Canvas(int width, int height, Colour background) {}

  /// The canvas with the image's pixel (left, top) in its corner; both may be negative.
  private static RgbImage placed(RgbImage image, Canvas canvas, int left, int top) {
    byte[] target = RgbImage.room(canvas.width(), canvas.height());
    canvas.background().fill(target);
    int firstColumn = Math.max(0, -left);
    int endColumn = (int) Math.min(canvas.width(), (long) image.width() - left);
    int firstRow = Math.max(0, -top);
    int endRow = (int) Math.min(canvas.height(), (long) image.height() - top);
    for (int y = firstRow; y < endRow; y++) {
      System.arraycopy(
          image.array(),
          ((y + top) * image.width() + firstColumn + left) * RgbImage.CHANNELS,
          target,
          (y * canvas.width() + firstColumn) * RgbImage.CHANNELS,
          (endColumn - firstColumn) * RgbImage.CHANNELS);
    }
    return RgbImage.owning(canvas.width(), canvas.height(), target);
  }

  /// A colour of 8-bit samples.
  public record Colour(int red, int green, int blue) {
    /// All zero.
    public static final Colour BLACK = new Colour(0, 0, 0);

    /// Refuses samples outside 0 to 255.
    public Colour {
      if (((red | green | blue) & ~0xff) != 0) {
        throw new IllegalArgumentException(
            "a colour of (" + red + ", " + green + ", " + blue + "), expected 0 to 255 each");
      }
    }

    /// The colour that a mean of 0 to 1 stands for: each times 255, cut off, not rounded.
    ///
    /// CLIP's mean gives (122, 116, 104).
    public static Colour ofMean(ChannelValues mean) {
      return new Colour(
          (int) (mean.red() * 255), (int) (mean.green() * 255), (int) (mean.blue() * 255));
    }

    private void fill(byte[] samples) {
      if (red == green && green == blue) {
        Arrays.fill(samples, (byte) red);
        return;
      }
      for (int i = 0; i < samples.length; i += RgbImage.CHANNELS) {
        samples[i] = (byte) red;
        samples[i + 1] = (byte) green;
        samples[i + 2] = (byte) blue;
      }
    }
  }
}
