package dev.upcycle.image;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.image.DecodingRules.Orientation;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.zip.CRC32;
import javax.imageio.ImageIO;

/// Fuzz target: whatever an image file holds, it is refused by an [ImageException], or gives a
/// picture within the limits that, stored again without loss, is read as the same.
public final class ImageFuzz {
  private static final long MOST_PIXELS = 1 << 16;
  private static final int SIGNATURE = 8;
  private static final int FRAME = 12;
  private static final ImageDecoder STORED = decoder(Orientation.AS_STORED);
  private static final ImageDecoder UPRIGHT = decoder(Orientation.UPRIGHT);

  private ImageFuzz() {}

  /// What the fuzzer calls.
  public static void fuzzerTestOneInput(byte[] input) {
    check(input);
  }

  /// What refused the file; empty when it was decoded.
  ///
  /// @param input a file; the checksums of a PNG are made right, since a guess never is
  static Optional<ImageException> check(byte[] input) {
    byte[] file = input.clone();
    if (PngFile.begins(file)) {
      checksum(file);
    }
    RgbImage image;
    try {
      image = STORED.decode(file, "fuzzed");
    } catch (ImageException e) {
      assertThat(e).hasMessageStartingWith("fuzzed: ");
      return Optional.of(e);
    }
    long pixels = (long) image.width() * image.height();
    assertThat(pixels).isBetween(1L, MOST_PIXELS);
    assertThat(image.samples().length).isEqualTo((int) pixels * RgbImage.CHANNELS);
    RgbImage upright = UPRIGHT.decode(file, "fuzzed");
    boolean turned = upright.width() != image.width();
    assertThat(upright.width()).isEqualTo(turned ? image.height() : image.width());
    assertThat(upright.height()).isEqualTo(turned ? image.width() : image.height());
    assertThat(STORED.decode(png(upright), "stored again")).isEqualTo(upright);
    return Optional.empty();
  }

  private static ImageDecoder decoder(Orientation orientation) {
    return new ImageDecoder(new DecodingRules(orientation, MOST_PIXELS, 1 << 20));
  }

  private static void checksum(byte[] file) {
    ByteBuffer chunks = ByteBuffer.wrap(file);
    int at = SIGNATURE;
    while (file.length - at >= FRAME) {
      long length = Integer.toUnsignedLong(chunks.getInt(at));
      if (length > file.length - at - FRAME) {
        return;
      }
      CRC32 crc = new CRC32();
      crc.update(file, at + 4, (int) length + 4);
      at += FRAME + (int) length;
      chunks.putInt(at - 4, (int) crc.getValue());
    }
  }

  private static byte[] png(RgbImage image) {
    BufferedImage picture =
        new BufferedImage(image.width(), image.height(), BufferedImage.TYPE_INT_RGB);
    byte[] samples = image.samples();
    for (int i = 0; i < samples.length; i += RgbImage.CHANNELS) {
      int pixel = i / RgbImage.CHANNELS;
      picture.setRGB(
          pixel % image.width(),
          pixel / image.width(),
          (samples[i] & 0xff) << 16 | (samples[i + 1] & 0xff) << 8 | (samples[i + 2] & 0xff));
    }
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try {
      ImageIO.write(picture, "png", bytes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }
}
