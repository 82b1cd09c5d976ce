package dev.upcycle.image;

import java.awt.image.Raster;
import javax.imageio.ImageReader;

/// A PNG's samples as 8-bit RGB, as Pillow converts them.
final class PngSamples {
  private PngSamples() {}

  static RgbImage read(PngFile file) {
    // read, not readRaster: PNG's reader has none. Its raster holds the samples untouched, where
    // the image's own getRGB would send gray through a gamma curve.
    Raster raster =
        ImageIoReading.read(
            "png",
            file.essential(),
            file.name(),
            (ImageReader reader) -> reader.read(0).getRaster());
    int width = raster.getWidth();
    byte[] target = RgbImage.room(width, raster.getHeight());
    int[] row = new int[width * raster.getNumBands()];
    for (int y = 0; y < raster.getHeight(); y++) {
      raster.getPixels(0, y, width, 1, row);
      convert(file, row, target, y * width * RgbImage.CHANNELS);
    }
    return RgbImage.owning(width, raster.getHeight(), target);
  }

  private static void convert(PngFile file, int[] row, byte[] target, int from) {
    int bands = file.colours().bands();
    int to = from;
    for (int i = 0; i < row.length; i += bands) {
      switch (file.colours()) {
        case GRAY, GRAY_ALPHA -> {
          byte gray = eightBits(row[i], file.depth());
          target[to] = gray;
          target[to + 1] = gray;
          target[to + 2] = gray;
        }
        case RGB, RGBA -> {
          target[to] = eightBits(row[i], file.depth());
          target[to + 1] = eightBits(row[i + 1], file.depth());
          target[to + 2] = eightBits(row[i + 2], file.depth());
        }
        case PALETTE ->
            System.arraycopy(file.palette(), entry(file, row[i]), target, to, RgbImage.CHANNELS);
      }
      to += RgbImage.CHANNELS;
    }
  }

  private static int entry(PngFile file, int index) {
    int at = index * RgbImage.CHANNELS;
    if (at >= file.palette().length) {
      throw file.corrupt(
          "a pixel has colour "
              + index
              + ", but the palette ends at "
              + (file.palette().length / RgbImage.CHANNELS - 1));
    }
    return at;
  }

  /// Fewer bits are spread over the range, more are cut off.
  private static byte eightBits(int sample, int depth) {
    return (byte) (depth > 8 ? sample >> (depth - 8) : sample * (255 / ((1 << depth) - 1)));
  }
}
