package dev.upcycle.image;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/// How a camera was held, from an Exif block, and the picture turned upright.
///
/// The eight numbers are those of the Exif specification (tag 274).
final class ExifOrientation {
  static final int UPRIGHT = 1;

  private static final int TAG = 0x0112;
  private static final int SHORT = 3;
  private static final int HEADER = 8;
  private static final int ENTRY = 12;

  private ExifOrientation() {}

  /// The orientation in this TIFF structure; 1 when it has none or is malformed, since readers must
  /// not fail on a picture because of a note beside it.
  static int read(byte[] tiff) {
    ByteBuffer bytes = ByteBuffer.wrap(tiff);
    if (tiff.length < HEADER) {
      return UPRIGHT;
    }
    short mark = bytes.getShort(0);
    if (mark == 0x4949) {
      bytes.order(ByteOrder.LITTLE_ENDIAN);
    } else if (mark != 0x4d4d) {
      return UPRIGHT;
    }
    long directory = Integer.toUnsignedLong(bytes.getInt(4));
    if (bytes.getShort(2) != 42 || directory + 2 > tiff.length) {
      return UPRIGHT;
    }
    int entries = Short.toUnsignedInt(bytes.getShort((int) directory));
    for (int i = 0; i < entries; i++) {
      long at = directory + 2 + (long) i * ENTRY;
      if (at + ENTRY > tiff.length) {
        return UPRIGHT;
      }
      if (Short.toUnsignedInt(bytes.getShort((int) at)) == TAG) {
        return value(bytes, (int) at);
      }
    }
    return UPRIGHT;
  }

  private static int value(ByteBuffer bytes, int entry) {
    int value = Short.toUnsignedInt(bytes.getShort(entry + 8));
    boolean oneShort = bytes.getShort(entry + 2) == SHORT && bytes.getInt(entry + 4) == 1;
    return oneShort && value <= 8 ? Math.max(value, UPRIGHT) : UPRIGHT;
  }

  /// The picture as it was seen.
  static RgbImage upright(RgbImage image, int orientation) {
    if (orientation == UPRIGHT) {
      return image;
    }
    boolean turned = orientation >= 5;
    int width = turned ? image.height() : image.width();
    int height = turned ? image.width() : image.height();
    byte[] target = RgbImage.room(width, height);
    int to = 0;
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        int from = source(image, orientation, x, y) * RgbImage.CHANNELS;
        System.arraycopy(image.array(), from, target, to, RgbImage.CHANNELS);
        to += RgbImage.CHANNELS;
      }
    }
    return RgbImage.owning(width, height, target);
  }

  /// Which pixel of the stored picture comes to (x, y).
  private static int source(RgbImage image, int orientation, int x, int y) {
    int right = image.width() - 1;
    int bottom = image.height() - 1;
    int column =
        switch (orientation) {
          case 2, 3 -> right - x;
          case 4 -> x;
          case 5, 6 -> y;
          case 7, 8 -> right - y;
          default -> throw new IllegalArgumentException("orientation " + orientation);
        };
    int row =
        switch (orientation) {
          case 2 -> y;
          case 3, 4 -> bottom - y;
          case 5, 8 -> x;
          default -> bottom - x;
        };
    return row * image.width() + column;
  }
}
