package dev.upcycle.verify;

import dev.upcycle.checkpoint.TensorEntry;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;
import tools.jackson.databind.json.JsonMapper;

/// The one header that a file of these tensors may have: the verifier's own, written from the
/// format's description (safetensors crate, `tensor.rs`, `prepare`).
///
/// The metadata is `format: pt` alone; tensors stand by dtype, the last constant first, then by
/// name; the JSON has no blanks; spaces fill it up to a multiple of eight bytes.
final class CanonicalHeader {
  private static final int ALIGNMENT = 8;

  private CanonicalHeader() {}

  /// The bytes before the data, length field included.
  static byte[] of(Collection<TensorEntry> tensors) {
    List<TensorEntry> ordered =
        tensors.stream()
            .sorted(
                Comparator.comparing(TensorEntry::dtype)
                    .reversed()
                    .thenComparing(TensorEntry::name, CanonicalHeader::compareUtf8))
            .toList();
    StringBuilder json = new StringBuilder("{\"__metadata__\":{\"format\":\"pt\"}");
    JsonMapper mapper = JsonMapper.shared();
    long begin = 0;
    for (TensorEntry tensor : ordered) {
      long end = begin + tensor.bytes();
      String shape =
          tensor.shape().dimensions().stream()
              .map(String::valueOf)
              .collect(Collectors.joining(","));
      json.append(',').append(mapper.writeValueAsString(tensor.name()));
      json.append(":{\"dtype\":\"").append(tensor.dtype()).append("\",\"shape\":[").append(shape);
      json.append("],\"data_offsets\":[").append(begin).append(',').append(end).append("]}");
      begin = end;
    }
    byte[] text = json.append('}').toString().getBytes(StandardCharsets.UTF_8);
    int padded = (text.length + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    ByteBuffer header =
        ByteBuffer.allocate(Long.BYTES + padded).order(ByteOrder.LITTLE_ENDIAN).putLong(padded);
    header.put(text);
    while (header.hasRemaining()) {
      header.put((byte) ' ');
    }
    return header.array();
  }

  private static int compareUtf8(String left, String right) {
    return Arrays.compareUnsigned(
        left.getBytes(StandardCharsets.UTF_8), right.getBytes(StandardCharsets.UTF_8));
  }
}
