package dev.upcycle.kernels.tensor;

import java.util.function.IntConsumer;
import java.util.function.IntSupplier;
import java.util.function.Supplier;
import org.bytedeco.openblas.global.openblas_nolapack;

/// How many threads OpenBLAS may use: one number for the whole process, which any thread may want
/// to be 1 for a while. It stays 1 until the last of them is done.
final class BlasPool {
  /// OpenBLAS's own.
  static final BlasPool SHARED =
      new BlasPool(
          openblas_nolapack::blas_set_num_threads, openblas_nolapack::blas_get_num_threads);

  private final IntConsumer setter;
  private final IntSupplier getter;
  private int standingBy;
  private int wanted;

  /// @param setter sets the number
  /// @param getter reads it
  BlasPool(IntConsumer setter, IntSupplier getter) {
    this.setter = setter;
    this.getter = getter;
  }

  /// Sets the number; it holds once nobody has the pool stand by.
  synchronized void use(int threads) {
    wanted = threads;
    if (standingBy == 0) {
      setter.accept(threads);
    }
  }

  /// Runs something with one thread, and gives back what was before.
  <T> T standingBy(Supplier<T> body) {
    enter();
    try {
      return body.get();
    } finally {
      leave();
    }
  }

  private synchronized void enter() {
    if (standingBy++ == 0) {
      wanted = getter.getAsInt();
      setter.accept(1);
    }
  }

  private synchronized void leave() {
    if (--standingBy == 0) {
      setter.accept(wanted);
    }
  }
}
