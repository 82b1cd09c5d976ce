package dev.upcycle.model;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.DType;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.SequencedMap;
import java.util.StringJoiner;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// A tiny checkpoint in memory, to change and to write elsewhere.
public final class EditedModel {
  private final ObjectNode config;
  private final SequencedMap<String, Stored> tensors = new LinkedHashMap<>();

  private EditedModel(ObjectNode config) {
    this.config = config;
  }

  @SuppressWarnings("ArrayRecordComponent")
  private record Stored(DType dtype, List<Long> shape, byte[] bytes) {}

  /// Holds all of a checkpoint.
  public static EditedModel of(Checkpoint checkpoint) {
    EditedModel model = new EditedModel(checkpoint.config().json());
    try (Arena arena = Arena.ofConfined()) {
      checkpoint
          .tensors()
          .forEach((name, entry) ->
              model.tensors.put(
                  name,
                  new Stored(
                      entry.dtype(),
                      entry.shape().dimensions(),
                      checkpoint.map(entry, arena).toArray(ValueLayout.JAVA_BYTE))));
    }
    return model;
  }

  public EditedModel config(String key, String json) {
    config.set(key, JsonMapper.shared().readTree(json));
    return this;
  }

  /// Replaces the whole config.
  EditedModel configured(ObjectNode other) {
    config.removeAll();
    config.setAll(other);
    return this;
  }

  public JsonNode config(String key) {
    return config.path(key);
  }

  public EditedModel without(String name) {
    require(tensors.remove(name), name);
    return this;
  }

  public EditedModel copied(String from, String to) {
    tensors.put(to, require(tensors.get(from), from));
    return this;
  }

  public EditedModel renamed(String from, String to) {
    return copied(from, to).without(from);
  }

  /// Replaces the start of every name that has it.
  public EditedModel renamedStarts(String from, String to) {
    for (String name : List.copyOf(tensors.keySet())) {
      if (name.startsWith(from)) {
        renamed(name, to + name.substring(from.length()));
      }
    }
    return this;
  }

  public List<String> names() {
    return List.copyOf(tensors.keySet());
  }

  List<Long> shape(String name) {
    return require(tensors.get(name), name).shape();
  }

  /// Adds float32 draws.
  EditedModel drawn(String name, long seed, long rows, long columns) {
    Random random = new Random(seed);
    ByteBuffer bytes =
        ByteBuffer.allocate(Math.toIntExact(rows * columns * Float.BYTES))
            .order(ByteOrder.LITTLE_ENDIAN);
    while (bytes.hasRemaining()) {
      bytes.putFloat((float) random.nextGaussian());
    }
    tensors.put(name, new Stored(DType.F32, List.of(rows, columns), bytes.array()));
    return this;
  }

  /// Gives each of two tensors the other's values.
  public EditedModel swapped(String one, String other) {
    Stored first = require(tensors.get(one), one);
    tensors.put(one, require(tensors.get(other), other));
    tensors.put(other, first);
    return this;
  }

  /// Puts the rows of a matrix into another order.
  EditedModel rows(String name, int... order) {
    Stored old = require(tensors.get(name), name);
    int row = old.bytes().length / order.length;
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    for (int from : order) {
      bytes.write(old.bytes(), from * row, row);
    }
    tensors.put(name, new Stored(old.dtype(), old.shape(), bytes.toByteArray()));
    return this;
  }

  /// Turns the sign bit of the element at an index.
  public EditedModel signFlipped(String name, int index) {
    Stored old = require(tensors.get(name), name);
    byte[] bytes = old.bytes().clone();
    int width = old.dtype().bits() / Byte.SIZE;
    bytes[index * width + width - 1] ^= Byte.MIN_VALUE;
    tensors.put(name, new Stored(old.dtype(), old.shape(), bytes));
    return this;
  }

  /// Stores everything in float32 and multiplies every matrix.
  public EditedModel amplified(float factor) {
    tensors.replaceAll((_, old) -> widened(old, old.shape().size() < 2 ? 1 : factor));
    return this;
  }

  private static Stored widened(Stored old, float factor) {
    ByteBuffer from = ByteBuffer.wrap(old.bytes()).order(ByteOrder.LITTLE_ENDIAN);
    int width = old.dtype().bits() / Byte.SIZE;
    ByteBuffer to =
        ByteBuffer.allocate(old.bytes().length / width * Float.BYTES)
            .order(ByteOrder.LITTLE_ENDIAN);
    while (from.hasRemaining()) {
      float value =
          switch (old.dtype()) {
            case F32 -> from.getFloat();
            case BF16 -> Float.intBitsToFloat(from.getShort() << Short.SIZE);
            default -> throw new IllegalArgumentException(old.dtype().toString());
          };
      to.putFloat(value * factor);
    }
    return new Stored(DType.F32, old.shape(), to.array());
  }

  /// Stores a float32 tensor in bfloat16, cut off.
  public EditedModel rounded(String name) {
    Stored old = require(tensors.get(name), name);
    ByteBuffer from = ByteBuffer.wrap(old.bytes()).order(ByteOrder.LITTLE_ENDIAN);
    ByteBuffer to = ByteBuffer.allocate(old.bytes().length / 2).order(ByteOrder.LITTLE_ENDIAN);
    while (from.hasRemaining()) {
      to.putShort((short) (Float.floatToRawIntBits(from.getFloat()) >>> Short.SIZE));
    }
    tensors.put(name, new Stored(DType.BF16, old.shape(), to.array()));
    return this;
  }

  /// Makes the first element of a float32 tensor infinite.
  public EditedModel infinite(String name) {
    Stored old = require(tensors.get(name), name);
    byte[] bytes = old.bytes().clone();
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putFloat(0, Float.POSITIVE_INFINITY);
    tensors.put(name, new Stored(old.dtype(), old.shape(), bytes));
    return this;
  }

  /// Makes every element zero.
  public EditedModel zeroed(String name) {
    Stored old = require(tensors.get(name), name);
    tensors.put(name, new Stored(old.dtype(), old.shape(), new byte[old.bytes().length]));
    return this;
  }

  /// Replaces matrices of equal width by one tensor of this shape that holds one after the other.
  EditedModel stacked(String name, List<String> parts, long... shape) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    List<Long> dimensions = new ArrayList<>();
    for (long size : shape) {
      dimensions.add(size);
    }
    Stored first = require(tensors.get(parts.getFirst()), parts.getFirst());
    for (String part : parts) {
      bytes.writeBytes(require(tensors.remove(part), part).bytes());
    }
    tensors.put(name, new Stored(first.dtype(), dimensions, bytes.toByteArray()));
    return this;
  }

  private static Stored require(@Nullable Stored stored, String name) {
    return Objects.requireNonNull(stored, name);
  }

  /// Writes it with its config, in one file.
  public Checkpoint write(Path directory) throws IOException {
    Files.createDirectories(directory);
    Files.writeString(directory.resolve("config.json"), config.toString());
    StringJoiner header = new StringJoiner(",", "{", "}");
    ByteArrayOutputStream data = new ByteArrayOutputStream();
    tensors.forEach((name, tensor) -> {
      int begin = data.size();
      data.writeBytes(tensor.bytes());
      header.add(
          "\"%s\":{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":[%d,%d]}"
              .formatted(name, tensor.dtype(), tensor.shape(), begin, data.size()));
    });
    String text = header.toString();
    // Data at an even place, as other writers have it, are mapped and not copied.
    String padding = " ".repeat(-text.length() & 7);
    byte[] json = (text + padding).getBytes(StandardCharsets.UTF_8);
    ByteBuffer file =
        ByteBuffer.allocate(Long.BYTES + json.length + data.size())
            .order(ByteOrder.LITTLE_ENDIAN)
            .putLong(json.length)
            .put(json)
            .put(data.toByteArray());
    Files.write(directory.resolve("model.safetensors"), file.array());
    return Checkpoint.open(directory);
  }
}
