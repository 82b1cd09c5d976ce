package dev.upcycle.image;

import java.awt.image.Raster;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.Iterator;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.stream.MemoryCacheImageInputStream;

/// The JDK's own decoders, over bytes in memory, with every failure as one exception.
final class ImageIoReading {
  private ImageIoReading() {}

  /// What to do with an opened reader.
  @FunctionalInterface
  interface Step {
    Raster run(ImageReader reader) throws IOException;
  }

  static Raster read(String format, byte[] bytes, String name, Step step) {
    ImageReader reader = reader(format);
    try (MemoryCacheImageInputStream input =
        new MemoryCacheImageInputStream(new ByteArrayInputStream(bytes))) {
      reader.setInput(input, true, true);
      return step.run(reader);
    } catch (IOException | RuntimeException e) {
      if (e instanceof ImageException known) {
        throw known;
      }
      throw new ImageException(
          name + ": cannot be decoded (" + e.getMessage() + "); copy or download the file again",
          e);
    } finally {
      reader.dispose();
    }
  }

  private static ImageReader reader(String format) {
    Iterator<ImageReader> readers = ImageIO.getImageReadersByFormatName(format);
    while (readers.hasNext()) {
      ImageReader reader = readers.next();
      if (reader.getClass().getName().startsWith("com.sun.imageio.")) {
        return reader;
      }
    }
    throw new IllegalStateException("this Java has no " + format + " reader of its own");
  }
}
