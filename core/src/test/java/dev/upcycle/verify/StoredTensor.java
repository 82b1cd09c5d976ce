package dev.upcycle.verify;

import dev.upcycle.checkpoint.DType;
import dev.upcycle.checkpoint.Shape;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Random;

/// A tensor with its bytes, for files that tests write without the project's own writer.
final class StoredTensor {
  private final String name;
  private final DType dtype;
  private final Shape shape;
  private final byte[] bytes;

  StoredTensor(String name, DType dtype, Shape shape, byte[] bytes) {
    this.name = name;
    this.dtype = dtype;
    this.shape = shape;
    this.bytes = bytes;
  }

  String name() {
    return name;
  }

  DType dtype() {
    return dtype;
  }

  Shape shape() {
    return shape;
  }

  /// The bytes themselves: what changes them changes the tensor.
  byte[] bytes() {
    return bytes;
  }

  static StoredTensor random(String name, DType dtype, long... dimensions) {
    Shape shape = Shape.of(dimensions);
    Random random = new Random(name.hashCode());
    ByteBuffer bytes = ByteBuffer.allocate((int) shape.bytes(dtype)).order(ByteOrder.LITTLE_ENDIAN);
    while (bytes.hasRemaining()) {
      float value = (float) random.nextGaussian();
      if (dtype == DType.F32) {
        bytes.putFloat(value);
      } else {
        bytes.putShort((short) (Float.floatToRawIntBits(value) >>> 16));
      }
    }
    return new StoredTensor(name, dtype, shape, bytes.array());
  }

  static StoredTensor normal(String name, double std, long... dimensions) {
    StoredTensor drawn = random(name, DType.F32, dimensions);
    ByteBuffer bytes = drawn.buffer();
    for (int at = 0; at < bytes.limit(); at += Float.BYTES) {
      bytes.putFloat(at, (float) (bytes.getFloat(at) * std));
    }
    return drawn;
  }

  StoredTensor named(String other) {
    return new StoredTensor(other, dtype, shape, bytes.clone());
  }

  StoredTensor with(byte[] other) {
    return new StoredTensor(name, dtype, shape, other.clone());
  }

  /// Rounds F32 values to BF16, to nearest even.
  StoredTensor toBrainFloat() {
    return toBrainFloat(0x7fff);
  }

  /// Cuts F32 values off to BF16, the mistake that a cast can make.
  StoredTensor truncated() {
    return toBrainFloat(-1);
  }

  private StoredTensor toBrainFloat(int bias) {
    ByteBuffer out = ByteBuffer.allocate(bytes.length / 2).order(ByteOrder.LITTLE_ENDIAN);
    ByteBuffer in = buffer();
    while (in.hasRemaining()) {
      int bits = in.getInt();
      int rounded = bias < 0 ? bits : bits + bias + (bits >>> 16 & 1);
      out.putShort((short) (rounded >>> 16));
    }
    return new StoredTensor(name, DType.BF16, shape, out.array());
  }

  ByteBuffer buffer() {
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  /// Writes a canonical file.
  static void write(Path file, Collection<StoredTensor> tensors) throws IOException {
    write(file, tensors, "{\"format\":\"pt\"}");
  }

  static void write(Path file, Collection<StoredTensor> tensors, String metadata)
      throws IOException {
    List<StoredTensor> ordered =
        tensors.stream()
            .sorted(
                Comparator.comparing(StoredTensor::dtype)
                    .reversed()
                    .thenComparing(StoredTensor::name))
            .toList();
    StringBuilder json = new StringBuilder("{\"__metadata__\":" + metadata);
    ByteArrayOutputStream data = new ByteArrayOutputStream();
    for (StoredTensor tensor : ordered) {
      json.append(
          ",\"%s\":{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":[%d,%d]}"
              .formatted(
                  tensor.name(),
                  tensor.dtype(),
                  tensor.shape().toString().replace(" ", ""),
                  data.size(),
                  data.size() + tensor.bytes().length));
      data.writeBytes(tensor.bytes());
    }
    json.append('}');
    while (json.length() % 8 != 0) {
      json.append(' ');
    }
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    all.writeBytes(
        ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(json.length()).array());
    all.writeBytes(json.toString().getBytes(StandardCharsets.UTF_8));
    all.writeBytes(data.toByteArray());
    Files.write(file, all.toByteArray());
  }
}
