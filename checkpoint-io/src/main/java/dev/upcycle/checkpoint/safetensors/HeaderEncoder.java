package dev.upcycle.checkpoint.safetensors;

import dev.upcycle.checkpoint.CheckpointFault;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.TensorSpec;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharsetEncoder;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/// Writes a header byte for byte as the safetensors crate does with `{"format": "pt"}`.
///
/// Escapes as `serde_json` does: short forms where JSON has them, a lower-case hexadecimal escape
/// for other control characters, everything else as UTF-8.
final class HeaderEncoder {
  private static final String METADATA = "{\"__metadata__\":{\"format\":\"pt\"}";

  private final CharsetEncoder utf8 = StandardCharsets.UTF_8.newEncoder();
  private final ByteArrayOutputStream json = new ByteArrayOutputStream();

  static byte[] encode(List<TensorSpec> tensors) {
    return new HeaderEncoder().header(tensors);
  }

  private byte[] header(List<TensorSpec> tensors) {
    append(METADATA);
    Set<String> names = HashSet.newHashSet(tensors.size());
    long offset = 0;
    for (TensorSpec tensor : tensors) {
      if (tensor.name().equals(HeaderParser.METADATA) || !names.add(tensor.name())) {
        throw new IllegalArgumentException(
            "the tensor name '" + tensor.name() + "' is reserved or comes twice");
      }
      if (!utf8.canEncode(tensor.name())) {
        throw new IllegalArgumentException(
            "the tensor name '" + tensor.name() + "' holds half of a surrogate pair");
      }
      long end = Math.addExact(offset, tensor.bytes());
      append(entry(tensor, offset, end));
      offset = end;
      requireWithinLimit(json.size());
    }
    append("}");
    while (json.size() % Long.BYTES != 0) {
      json.write(' ');
    }
    requireWithinLimit(json.size());
    return ByteBuffer.allocate(Long.BYTES + json.size())
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(json.size())
        .put(json.toByteArray())
        .array();
  }

  private static String entry(TensorSpec tensor, long begin, long end) {
    StringBuilder entry = new StringBuilder(tensor.name().length() + 80);
    entry.append(',');
    appendQuoted(entry, tensor.name());
    entry.append(":{\"dtype\":\"").append(tensor.dtype().name()).append("\",\"shape\":[");
    String separator = "";
    for (long dimension : tensor.shape().dimensions()) {
      entry.append(separator).append(Long.toUnsignedString(dimension));
      separator = ",";
    }
    entry.append("],\"data_offsets\":[").append(begin).append(',').append(end).append("]}");
    return entry.toString();
  }

  private static void appendQuoted(StringBuilder out, String text) {
    out.append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '"' -> out.append("\\\"");
        case '\\' -> out.append("\\\\");
        case '\b' -> out.append("\\b");
        case '\f' -> out.append("\\f");
        case '\n' -> out.append("\\n");
        case '\r' -> out.append("\\r");
        case '\t' -> out.append("\\t");
        default -> {
          if (c < ' ') {
            out.append("\\u").append(HexFormat.of().toHexDigits(c));
          } else {
            out.append(c);
          }
        }
      }
    }
    out.append('"');
  }

  private void append(String text) {
    json.writeBytes(text.getBytes(StandardCharsets.UTF_8));
  }

  private static void requireWithinLimit(long bytes) {
    if (bytes > SafetensorsHeader.MAX_JSON_BYTES) {
      throw new CheckpointFormatException(
          CheckpointFault.HEADER_TOO_LARGE,
          String.format(
              Locale.ROOT,
              "a safetensors header of %,d bytes or more was asked for, the format allows %,d; spread the tensors over more shards (a smaller --max-shard-size)",
              bytes,
              SafetensorsHeader.MAX_JSON_BYTES));
    }
  }
}
