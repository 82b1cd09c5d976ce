package dev.upcycle.verify;

import dev.upcycle.checkpoint.TensorEntry;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/// What a router's values look like.
///
/// @param elements how many there are
/// @param nonFinite how many are NaN or infinite
/// @param largest the largest magnitude
/// @param rms root of the mean square: the standard deviation about a mean of zero
/// @param mean their mean
record RouterStatistics(long elements, long nonFinite, double largest, double rms, double mean) {
  static RouterStatistics of(TensorEntry router, TensorBytes tensors) {
    ByteBuffer window = ByteBuffer.allocate(ByteComparison.WINDOW).order(ByteOrder.LITTLE_ENDIAN);
    int width = router.dtype().bits() / Byte.SIZE;
    long elements = 0;
    long nonFinite = 0;
    double largest = 0;
    double sum = 0;
    double squares = 0;
    for (long from = 0; from < router.bytes(); from += window.capacity()) {
      window.clear().limit((int) Math.min(window.capacity(), router.bytes() - from));
      tensors.read(router, from, window);
      nonFinite += NonFinite.count(window, router.dtype());
      for (int at = 0; at + width <= window.limit(); at += width) {
        double value = RoundToNearestEven.read(window, at, router.dtype());
        elements++;
        largest = Math.max(largest, Math.abs(value));
        sum += value;
        squares += value * value;
      }
    }
    long count = Math.max(1, elements);
    return new RouterStatistics(
        elements, nonFinite, largest, Math.sqrt(squares / count), sum / count);
  }
}
