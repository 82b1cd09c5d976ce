package dev.upcycle.checkpoint.safetensors;

import dev.upcycle.checkpoint.CheckpointFault;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.Sha256;
import dev.upcycle.checkpoint.SourceFile;
import dev.upcycle.checkpoint.WeightsChannel;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/// Reads the first bytes of a file: the length field, then as many bytes as it promises.
final class HeaderFile {
  private HeaderFile() {}

  static SafetensorsHeader read(Path file) {
    return WeightsChannel.read(file, "safetensors file", channel -> read(file, channel));
  }

  private static SafetensorsHeader read(Path file, FileChannel channel) throws IOException {
    byte[] header = header(file, channel);
    SourceFile source =
        new SourceFile(
            file, channel.size(), Files.getLastModifiedTime(file).toInstant(), Sha256.hex(header));
    return new HeaderParser(source, header).parse();
  }

  /// The length field and the JSON. Nothing is allocated before the length is known to fit.
  private static byte[] header(Path file, FileChannel channel) throws IOException {
    long fileBytes = channel.size();
    ByteBuffer field = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    if (!fill(field, channel, 0)) {
      throw fault(
          CheckpointFault.HEADER_TOO_SMALL,
          file,
          String.format(
              Locale.ROOT,
              "is %,d bytes, but a safetensors file begins with the 8 bytes of its header's length; download it again",
              fileBytes));
    }
    long jsonBytes = field.getLong(0);
    if (Long.compareUnsigned(jsonBytes, SafetensorsHeader.MAX_JSON_BYTES) > 0) {
      throw fault(
          CheckpointFault.HEADER_TOO_LARGE,
          file,
          String.format(
              Locale.ROOT,
              "promises a header of %s bytes, but the format allows %,d; it is not a safetensors file, or is damaged: download it again",
              Long.toUnsignedString(jsonBytes),
              SafetensorsHeader.MAX_JSON_BYTES));
    }
    if (jsonBytes > fileBytes - Long.BYTES) {
      throw pastEnd(file, jsonBytes, fileBytes);
    }
    ByteBuffer header = ByteBuffer.allocate(Math.toIntExact(Long.BYTES + jsonBytes));
    if (!fill(header, channel, 0)) {
      throw pastEnd(file, jsonBytes, channel.size());
    }
    return header.array();
  }

  private static CheckpointFormatException pastEnd(Path file, long jsonBytes, long fileBytes) {
    return fault(
        CheckpointFault.HEADER_PAST_END,
        file,
        String.format(
            Locale.ROOT,
            "promises a header of %,d bytes, but the whole file is %,d; it is cut short: download it again",
            jsonBytes,
            fileBytes));
  }

  private static boolean fill(ByteBuffer buffer, FileChannel channel, long position)
      throws IOException {
    while (buffer.hasRemaining()) {
      if (channel.read(buffer, position + buffer.position()) < 0) {
        return false;
      }
    }
    return true;
  }

  private static CheckpointFormatException fault(CheckpointFault fault, Path file, String what) {
    return new CheckpointFormatException(fault, file + ": " + what);
  }
}
