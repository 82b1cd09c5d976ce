package dev.upcycle.train;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.upcycle.checkpoint.write.ResourceException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.zip.CRC32C;

/// Scalars for TensorBoard: records of length, checksum, `Event` message, checksum.
///
/// Checksums are CRC-32C, rotated and offset as `tensorflow/core/lib/hash/crc32c.h` has it; field
/// numbers are those of `tensorflow/core/util/event.proto` and `summary.proto`.
final class EventFile implements AutoCloseable {
  private static final int CRC_OFFSET = 0xA282EAD8;
  private static final int WALL_TIME = 1;
  private static final int STEP = 2;
  private static final int FILE_VERSION = 3;
  private static final int SUMMARY = 5;
  private static final int VARINT = 0;
  private static final int FIXED_64 = 1;
  private static final int BYTES = 2;
  private static final int FIXED_32 = 5;

  private final Path file;
  private final OutputStream out;

  private EventFile(Path file, OutputStream out) {
    this.file = file;
    this.out = out;
  }

  /// Begins the file of the events that follow a step, or begins it again.
  static EventFile after(long step, Path folder) {
    Path file = folder.resolve(String.format(Locale.ROOT, "events.out.tfevents.%010d", step));
    try {
      EventFile events = new EventFile(file, Files.newOutputStream(file));
      Message version = new Message();
      version.time();
      version.bytes(FILE_VERSION, "brain.Event:2".getBytes(UTF_8));
      events.record(version.toByteArray());
      return events;
    } catch (IOException e) {
      throw new ResourceException("cannot write " + file + ": " + e, e);
    }
  }

  /// Adds values by tag.
  void add(long step, Map<String, Double> values) {
    Message summary = new Message();
    values.forEach((tag, number) -> {
      Message value = new Message();
      value.bytes(1, tag.getBytes(UTF_8));
      value.key(2, FIXED_32);
      value.write32(Float.floatToRawIntBits(number.floatValue()));
      summary.bytes(1, value.toByteArray());
    });
    Message event = new Message();
    event.time();
    event.key(STEP, VARINT);
    event.varint(step);
    event.bytes(SUMMARY, summary.toByteArray());
    try {
      record(event.toByteArray());
    } catch (IOException e) {
      throw new ResourceException("cannot write " + file + ": " + e, e);
    }
  }

  private void record(byte[] data) throws IOException {
    ByteBuffer record =
        ByteBuffer.allocate(Long.BYTES + 2 * Integer.BYTES + data.length)
            .order(ByteOrder.LITTLE_ENDIAN);
    record.putLong(data.length);
    record.putInt(masked(record.array(), 0, Long.BYTES));
    record.put(data);
    record.putInt(masked(data, 0, data.length));
    out.write(record.array());
    out.flush();
  }

  static int masked(byte[] bytes, int from, int length) {
    CRC32C crc = new CRC32C();
    crc.update(bytes, from, length);
    return Integer.rotateRight((int) crc.getValue(), 15) + CRC_OFFSET;
  }

  @Override
  public void close() {
    try {
      out.close();
    } catch (IOException e) {
      throw new ResourceException("cannot write " + file + ": " + e, e);
    }
  }

  /// A protocol buffer in the making.
  private static final class Message extends ByteArrayOutputStream {
    void time() {
      key(WALL_TIME, FIXED_64);
      long bits = Double.doubleToRawLongBits(System.currentTimeMillis() / 1e3);
      write32((int) bits);
      write32((int) (bits >>> Integer.SIZE));
    }

    void key(int field, int wire) {
      varint((long) field << 3 | wire);
    }

    void bytes(int field, byte[] content) {
      key(field, BYTES);
      varint(content.length);
      writeBytes(content);
    }

    void write32(int value) {
      for (int shift = 0; shift < Integer.SIZE; shift += Byte.SIZE) {
        write(value >>> shift);
      }
    }

    void varint(long value) {
      long rest = value;
      while ((rest & ~0x7FL) != 0) {
        write((int) ((rest & 0x7F) | 0x80));
        rest >>>= 7;
      }
      write((int) rest);
    }
  }
}
