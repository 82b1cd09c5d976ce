package dev.upcycle.checkpoint.safetensors;

import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.DType;
import dev.upcycle.checkpoint.SourceFile;
import dev.upcycle.checkpoint.TensorEntry;
import dev.upcycle.checkpoint.TensorSpec;
import dev.upcycle.checkpoint.WeightsHeader;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;

/// The header of a safetensors file: what tensors it holds and where.
///
/// @param file the file, as it was when the header was read
/// @param tensors in the order of their data
/// @param metadata the texts of `__metadata__`, in order; empty when there are none
public record SafetensorsHeader(
    SourceFile file, List<TensorEntry> tensors, SequencedMap<String, String> metadata)
    implements WeightsHeader {
  /// The most bytes that a header's JSON may have, its padding included (safetensors crate,
  /// `tensor.rs`, `MAX_HEADER_SIZE`).
  public static final long MAX_JSON_BYTES = 100_000_000;

  private static final Comparator<TensorSpec> CANONICAL =
      Comparator.comparing(TensorSpec::dtype, Comparator.<DType>reverseOrder())
          .thenComparing(TensorSpec::name, SafetensorsHeader::compareUtf8);

  /// Keeps copies.
  public SafetensorsHeader {
    tensors = List.copyOf(tensors);
    metadata = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(metadata));
  }

  /// Reads the header of a file, and only the header.
  ///
  /// @throws CheckpointFormatException naming the file, the tensor and what is wrong
  public static SafetensorsHeader read(Path file) {
    return HeaderFile.read(file);
  }

  /// The bytes before the data: the length field, the JSON and its padding to a multiple of eight.
  ///
  /// @param inDataOrder the tensors as their data follow one another
  /// @throws CheckpointFormatException when the JSON would pass [#MAX_JSON_BYTES]
  /// @throws IllegalArgumentException when a name comes twice or is `__metadata__`
  public static byte[] encode(List<TensorSpec> inDataOrder) {
    return HeaderEncoder.encode(inDataOrder);
  }

  /// The tensors in the order in which the safetensors crate lays out their data: dtypes descending
  /// in the order of [DType], then names ascending by their UTF-8 bytes.
  public static List<TensorSpec> canonicalOrder(List<TensorSpec> tensors) {
    return tensors.stream().sorted(CANONICAL).toList();
  }

  /// Orders as the UTF-8 bytes do: like UTF-16, but with surrogates after everything else.
  private static int compareUtf8(String a, String b) {
    int shared = Math.min(a.length(), b.length());
    for (int i = 0; i < shared; i++) {
      char x = a.charAt(i);
      char y = b.charAt(i);
      if (x != y) {
        return Character.isSurrogate(x) == Character.isSurrogate(y)
            ? Character.compare(x, y)
            : Boolean.compare(Character.isSurrogate(x), Character.isSurrogate(y));
      }
    }
    return Integer.compare(a.length(), b.length());
  }
}
