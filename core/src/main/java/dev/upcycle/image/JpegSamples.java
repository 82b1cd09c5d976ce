package dev.upcycle.image;

import dev.upcycle.image.JpegFile.Component;
import java.awt.image.Raster;
import java.util.Comparator;

/// A JPEG's samples as 8-bit RGB, as Pillow on libjpeg-turbo gives them.
///
/// The JDK decodes and enlarges the components; the colours are converted here, with libjpeg's
/// fixed point (16 bits after the point), for the JDK converts no CMYK.
final class JpegSamples {
  private static final int BITS = 16;
  private static final int HALF = 1 << (BITS - 1);
  private static final int RED_OF_CR = fixed(1.40200);
  private static final int GREEN_OF_CB = fixed(0.34414);
  private static final int GREEN_OF_CR = fixed(0.71414);
  private static final int BLUE_OF_CB = fixed(1.77200);

  private JpegSamples() {}

  static RgbImage read(JpegFile file) {
    Raster raster =
        ImageIoReading.read(
            "jpeg", file.essential(), file.name(), reader -> reader.readRaster(0, null));
    int bands = file.components().size();
    if (raster.getNumBands() != bands
        || raster.getWidth() != file.width()
        || raster.getHeight() != file.height()) {
      throw file.corrupt("its frame header does not fit its picture data");
    }
    byte[] samples = (byte[]) raster.getDataElements(0, 0, file.width(), file.height(), null);
    smoothRowPairs(file, samples);
    byte[] target = RgbImage.room(file.width(), file.height());
    int to = 0;
    for (int at = 0; at < samples.length; at += bands) {
      convert(file.colours(), samples, at, target, to);
      to += RgbImage.CHANNELS;
    }
    return RgbImage.owning(file.width(), file.height(), target);
  }

  private static void convert(JpegFile.Colours colours, byte[] from, int at, byte[] to, int out) {
    switch (colours) {
      case GRAY -> {
        to[out] = from[at];
        to[out + 1] = from[at];
        to[out + 2] = from[at];
      }
      case RGB -> System.arraycopy(from, at, to, out, RgbImage.CHANNELS);
      case YCC -> fromYcc(from, at, to, out);
      case CMYK -> {
        System.arraycopy(from, at, to, out, RgbImage.CHANNELS);
        darken(to, out, from[at + 3] & 0xff);
      }
      case YCCK -> {
        fromYcc(from, at, to, out);
        invert(to, out);
        darken(to, out, from[at + 3] & 0xff);
      }
    }
  }

  private static void fromYcc(byte[] from, int at, byte[] to, int out) {
    int y = from[at] & 0xff;
    int cb = (from[at + 1] & 0xff) - 128;
    int cr = (from[at + 2] & 0xff) - 128;
    to[out] = clip(y + ((RED_OF_CR * cr + HALF) >> BITS));
    to[out + 1] = clip(y + ((-GREEN_OF_CB * cb - GREEN_OF_CR * cr + HALF) >> BITS));
    to[out + 2] = clip(y + ((BLUE_OF_CB * cb + HALF) >> BITS));
  }

  private static void invert(byte[] samples, int at) {
    for (int i = at; i < at + RgbImage.CHANNELS; i++) {
      samples[i] = (byte) ~samples[i];
    }
  }

  /// Pillow's CMYK to RGB on samples that are stored inverted, as Adobe does and Pillow assumes: no
  /// ink is 255, so `light` is 255 less the black.
  private static void darken(byte[] samples, int at, int light) {
    for (int i = at; i < at + RgbImage.CHANNELS; i++) {
      int product = (255 - (samples[i] & 0xff)) * light + 128;
      samples[i] = clip(light - (((product >> 8) + product) >> 8));
    }
  }

  private static byte clip(int value) {
    return (byte) Math.clamp(value, 0, 255);
  }

  private static int fixed(double factor) {
    return (int) (factor * (1 << BITS) + 0.5);
  }

  /// The JDK's libjpeg doubles the rows of a component at half the height and full width (4:4:0);
  /// libjpeg-turbo blends each with its nearer neighbour, 3 to 1. Since the first only repeats, the
  /// second can be had from it.
  private static void smoothRowPairs(JpegFile file, byte[] samples) {
    int bands = file.components().size();
    int across = most(file, Comparator.comparingInt(Component::horizontal)).horizontal();
    int down = most(file, Comparator.comparingInt(Component::vertical)).vertical();
    for (int band = 0; band < bands; band++) {
      Component component = file.components().get(band);
      if (component.horizontal() == across && component.vertical() * 2 == down) {
        smooth(samples.clone(), samples, file, band);
      }
    }
  }

  private static void smooth(byte[] doubled, byte[] target, JpegFile file, int band) {
    int bands = file.components().size();
    int line = file.width() * bands;
    int last = (file.height() - 1) / 2;
    for (int y = 0; y < file.height(); y++) {
      int row = y / 2;
      int neighbour = Math.clamp(row + (y % 2 == 0 ? -1 : 1), 0, last);
      // the rounding alternates, so that it does not drift
      int rounding = y % 2 == 0 ? 1 : 2;
      for (int at = band; at < line; at += bands) {
        int near = doubled[2 * row * line + at] & 0xff;
        int far = doubled[2 * neighbour * line + at] & 0xff;
        target[y * line + at] = (byte) ((near * 3 + far + rounding) >> 2);
      }
    }
  }

  private static Component most(JpegFile file, Comparator<Component> order) {
    return file.components().stream().max(order).orElseThrow();
  }
}
