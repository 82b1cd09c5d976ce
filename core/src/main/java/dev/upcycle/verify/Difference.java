package dev.upcycle.verify;

import dev.upcycle.checkpoint.TensorEntry;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/// The first byte in which a tensor is not what it should be.
///
/// @param offset of the byte, from the start of the tensor
/// @param expected the byte that should be there, 0 to 255
/// @param actual the byte that is there; -1 when the file ends before it
public record Difference(long offset, int expected, int actual) {
  /// What, where, expected and actual, as a sentence's end.
  public String in(TensorEntry tensor) {
    String found =
        actual < 0 ? "nothing: the file ends" : String.format(Locale.ROOT, "0x%02x", actual);
    return String.format(
        Locale.ROOT,
        "first differing byte %d (element %s; %s, byte %d): expected 0x%02x, actual %s",
        offset,
        element(tensor),
        tensor.file().getFileName(),
        tensor.offset() + offset,
        expected,
        found);
  }

  private List<Long> element(TensorEntry tensor) {
    long rest = offset * Byte.SIZE / tensor.dtype().bits();
    List<Long> index = new ArrayList<>();
    for (long dimension : tensor.shape().dimensions().reversed()) {
      index.addFirst(rest % dimension);
      rest /= dimension;
    }
    return index;
  }
}
