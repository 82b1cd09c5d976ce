package dev.upcycle.checkpoint.torch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.checkpoint.TensorEntry;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;

/// Where each element of a small tensor lies, worked out one by one.
final class ElementBytes {
  private ElementBytes() {}

  /// The first byte of each element in row-major order; requires all to be in the range, and no two
  /// the same.
  ///
  /// @param from the first byte that may be the tensor's
  /// @param to the byte after the last
  static List<Long> of(TensorEntry tensor, long from, long to) {
    int rank = tensor.shape().rank();
    int width = tensor.dtype().bits() / Byte.SIZE;
    List<Long> places = new ArrayList<>();
    places.add(tensor.offset());
    long dense = tensor.shape().elements();
    assertThat(dense * width).as(tensor.name()).isBetween(0L, to - from);
    for (int axis = 0; axis < rank; axis++) {
      long size = tensor.shape().dimension(axis);
      dense = size == 0 ? 0 : dense / size;
      places =
          along(places, size, (tensor.contiguous() ? dense : tensor.strides().get(axis)) * width);
    }
    for (long place : places) {
      assertThat(place).as(tensor.name()).isBetween(from, to - width);
    }
    assertThat(new HashSet<>(places)).as(tensor.name()).hasSameSizeAs(places);
    return places;
  }

  private static List<Long> along(List<Long> places, long size, long step) {
    List<Long> further = new ArrayList<>();
    for (long place : places) {
      for (long index = 0; index < size; index++) {
        further.add(place + index * step);
      }
    }
    return further;
  }
}
