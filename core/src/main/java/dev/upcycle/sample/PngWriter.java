package dev.upcycle.sample;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.zip.Adler32;
import java.util.zip.CRC32;

/// Writes small PNG files (W3C, PNG third edition) without compressing them, so that their bytes
/// depend on no library.
final class PngWriter {
  private static final byte[] SIGNATURE = {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  private static final int MOST_STORED = 0xffff;
  private static final int CHANNELS = 3;

  private PngWriter() {}

  /// A picture of 8-bit red, green and blue.
  ///
  /// @throws IllegalArgumentException when the samples do not fit or pass 64 KiB
  static byte[] rgb(int width, int height, byte[] samples) {
    int line = width * CHANNELS;
    if (samples.length != height * line || height * (line + 1) > MOST_STORED) {
      throw new IllegalArgumentException(
          "%d samples for a picture of %d x %d; at most 64 KiB are written"
              .formatted(samples.length, width, height));
    }
    ByteBuffer lines = ByteBuffer.allocate(height * (line + 1));
    for (int y = 0; y < height; y++) {
      lines.put((byte) 0).put(samples, y * line, line);
    }
    ByteArrayOutputStream file = new ByteArrayOutputStream();
    file.writeBytes(SIGNATURE);
    file.writeBytes(chunk("IHDR", header(width, height)));
    file.writeBytes(chunk("IDAT", stored(lines.array())));
    file.writeBytes(chunk("IEND", new byte[0]));
    return file.toByteArray();
  }

  /// Size, 8 bits a sample, colour type 2 (RGB), the usual compression and filter, no interlace.
  private static byte[] header(int width, int height) {
    return ByteBuffer.allocate(13)
        .putInt(width)
        .putInt(height)
        .put(new byte[] {8, 2, 0, 0, 0})
        .array();
  }

  /// One stored block (RFC 1951, 3.2.4) in a zlib stream (RFC 1950).
  private static byte[] stored(byte[] bytes) {
    Adler32 sum = new Adler32();
    sum.update(bytes);
    return ByteBuffer.allocate(bytes.length + 11)
        .put(new byte[] {0x78, 0x01, 1})
        .order(ByteOrder.LITTLE_ENDIAN)
        .putShort((short) bytes.length)
        .putShort((short) ~bytes.length)
        .put(bytes)
        .order(ByteOrder.BIG_ENDIAN)
        .putInt((int) sum.getValue())
        .array();
  }

  private static byte[] chunk(String type, byte[] content) {
    byte[] name = type.getBytes(StandardCharsets.US_ASCII);
    CRC32 sum = new CRC32();
    sum.update(name);
    sum.update(content);
    return ByteBuffer.allocate(content.length + 12)
        .putInt(content.length)
        .put(name)
        .put(content)
        .putInt((int) sum.getValue())
        .array();
  }
}
