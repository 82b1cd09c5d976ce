package dev.upcycle.train;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Reads the bytes as TensorBoard does, with a checksum and a reader of messages of its own.
class EventFileTest {
  private static final int POLYNOMIAL = 0x82F63B78;

  @TempDir private Path folder;

  /// CRC-32C bit by bit (RFC 3720, appendix B.4), rotated by 15 and offset as TensorFlow masks it.
  private static int masked(byte[] bytes) {
    int crc = ~0;
    for (byte each : bytes) {
      crc ^= each & 0xFF;
      for (int bit = 0; bit < 8; bit++) {
        crc = (crc & 1) == 0 ? crc >>> 1 : crc >>> 1 ^ POLYNOMIAL;
      }
    }
    crc = ~crc;
    return ((crc >>> 15) | (crc << 17)) + 0xA282EAD8;
  }

  private static byte[] take(ByteBuffer from, int length) {
    byte[] bytes = new byte[length];
    from.get(bytes);
    return bytes;
  }

  /// The messages of the records, each of whose checksums is right.
  private List<byte[]> messages(Path file) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    List<byte[]> messages = new ArrayList<>();
    while (bytes.hasRemaining()) {
      byte[] length = take(bytes, Long.BYTES);
      assertThat(bytes.getInt()).isEqualTo(masked(length));
      long size = ByteBuffer.wrap(length).order(ByteOrder.LITTLE_ENDIAN).getLong();
      byte[] message = take(bytes, Math.toIntExact(size));
      assertThat(bytes.getInt()).isEqualTo(masked(message));
      messages.add(message);
    }
    return messages;
  }

  /// The fields of a message by number: varints, doubles and floats as numbers, else bytes.
  private static Map<Integer, List<Object>> fields(byte[] message) {
    ByteBuffer in = ByteBuffer.wrap(message).order(ByteOrder.LITTLE_ENDIAN);
    Map<Integer, List<Object>> fields = new LinkedHashMap<>();
    while (in.hasRemaining()) {
      long key = varint(in);
      Object value =
          switch ((int) (key & 7)) {
            case 0 -> varint(in);
            case 1 -> in.getDouble();
            case 2 -> take(in, Math.toIntExact(varint(in)));
            case 5 -> in.getFloat();
            default -> throw new IllegalArgumentException("wire type of " + key);
          };
      fields.computeIfAbsent((int) (key >>> 3), _ -> new ArrayList<>()).add(value);
    }
    return fields;
  }

  private static long varint(ByteBuffer in) {
    long value = 0;
    for (int shift = 0; ; shift += 7) {
      byte next = in.get();
      value |= (next & 0x7FL) << shift;
      if (next >= 0) {
        return value;
      }
    }
  }

  private static Object only(byte[] message, int field) {
    List<Object> values = fields(message).getOrDefault(field, List.of());
    assertThat(values).hasSize(1);
    return values.getFirst();
  }

  private static Map<String, Float> scalars(byte[] event) {
    Map<String, Float> scalars = new LinkedHashMap<>();
    byte[] summary = (byte[]) only(event, 5);
    for (Object value : fields(summary).getOrDefault(1, List.of())) {
      byte[] pair = (byte[]) value;
      scalars.put(new String((byte[]) only(pair, 1), UTF_8), (Float) only(pair, 2));
    }
    return scalars;
  }

  @Test
  void theChecksumOfTheTestIsThePublishedOne() {
    int crc = masked("123456789".getBytes(UTF_8)) - 0xA282EAD8;
    assertThat(Integer.rotateLeft(crc, 15)).isEqualTo(0xE3069283);
  }

  @Test
  void everyRecordIsAnEventWithItsStepItsTimeAndItsValues() throws IOException {
    Map<String, Double> values = new LinkedHashMap<>();
    values.put("loss", 2.5);
    values.put("learning_rate", 1e-5);
    long start = System.currentTimeMillis();
    try (EventFile events = EventFile.after(7, folder)) {
      events.add(300, values);
      events.add(1L << 40, Map.of("validation_loss", -1.25));
    }
    List<byte[]> messages = messages(folder.resolve("events.out.tfevents.0000000007"));
    assertThat(messages).hasSize(3);
    assertThat((byte[]) only(messages.get(0), 3)).asString(UTF_8).isEqualTo("brain.Event:2");
    assertThat((Long) only(messages.get(1), 2)).isEqualTo(300);
    assertThat((Double) only(messages.get(1), 1)).isBetween(start / 1e3, start / 1e3 + 3600);
    assertThat(scalars(messages.get(1)))
        .containsExactly(Map.entry("loss", 2.5f), Map.entry("learning_rate", 1e-5f));
    assertThat((Long) only(messages.get(2), 2)).isEqualTo(1L << 40);
    assertThat(scalars(messages.get(2))).containsExactly(Map.entry("validation_loss", -1.25f));
  }
}
