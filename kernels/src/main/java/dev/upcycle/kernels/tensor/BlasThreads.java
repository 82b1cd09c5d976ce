package dev.upcycle.kernels.tensor;

import dev.upcycle.kernels.KernelException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/// The threads on which OpenBLAS multiplies, in the place of its own.
///
/// OpenBLAS's threads spin for milliseconds after each product and take a processor from the
/// threads of every other operation meanwhile. It lets a program run the parts of a product instead
/// (`openblas_set_threads_callback_function`); these threads spin for microseconds, then sleep.
///
/// The parts of one product wait for each other, so each needs a thread that runs at once: the
/// caller's and one of these per further part.
@SuppressWarnings("restricted") // calling native code is what it is for
final class BlasThreads implements BlasCallback {
  private static final String SETTER = "openblas_set_threads_callback_function";
  private static final long SPIN_NANOS = 20_000;
  private static final Linker LINKER = Linker.nativeLinker();

  /// OpenBLAS's `void run(int thread, void *part, int extra)`.
  private static final MethodHandle RUN =
      LINKER.downcallHandle(
          FunctionDescriptor.ofVoid(
              ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_INT));

  /// [BlasCallback#multiply].
  private static final FunctionDescriptor CALLBACK =
      FunctionDescriptor.ofVoid(
          ValueLayout.JAVA_INT,
          ValueLayout.ADDRESS,
          ValueLayout.JAVA_INT,
          ValueLayout.JAVA_LONG,
          ValueLayout.ADDRESS,
          ValueLayout.JAVA_INT);

  private static final BlasThreads SHARED = new BlasThreads();

  private final List<Worker> workers = new ArrayList<>();
  private boolean installed;

  private BlasThreads() {}

  /// Has OpenBLAS use these threads from now on. Does nothing the second time, and where the BLAS
  /// in use is not OpenBLAS; OpenBLAS must be loaded.
  static void install() {
    SHARED.installOnce();
  }

  private synchronized void installOnce() {
    if (!installed) {
      SymbolLookup.loaderLookup().find(SETTER).ifPresent(this::set);
      installed = true;
    }
  }

  private void set(MemorySegment setter) {
    try {
      MethodHandle multiply =
          MethodHandles.lookup()
              .findVirtual(BlasCallback.class, "multiply", CALLBACK.toMethodType())
              .bindTo(this);
      MemorySegment callback = LINKER.upcallStub(multiply, CALLBACK, Arena.global());
      LINKER
          .downcallHandle(setter, FunctionDescriptor.ofVoid(ValueLayout.ADDRESS))
          .invokeExact(callback);
    } catch (Throwable e) {
      throw new KernelException(SETTER + " refused", e);
    }
  }

  /// One product at a time: two at once could each hold threads that the other's parts wait for.
  @Override
  public synchronized void multiply(
      int sync, MemorySegment run, int parts, long size, MemorySegment first, int extra) {
    while (workers.size() < parts - 1) {
      workers.add(new Worker(workers.size() + 1));
    }
    for (int i = 1; i < parts; i++) {
      workers
          .get(i - 1)
          .start(new Part(run, i, MemorySegment.ofAddress(first.address() + i * size), extra));
    }
    new Part(run, 0, first, extra).run();
    for (int i = 1; i < parts; i++) {
      workers.get(i - 1).await();
    }
  }

  private record Part(MemorySegment function, int index, MemorySegment data, int extra) {
    void run() {
      try {
        RUN.invokeExact(function, index, data, extra);
      } catch (Throwable e) {
        throw new KernelException("a part of a matrix product failed", e);
      }
    }
  }

  private static final class Worker {
    private volatile @Nullable Part part;
    private final Thread thread;

    Worker(int index) {
      thread = Thread.ofPlatform().daemon().name("blas-" + index).start(this::loop);
    }

    void start(Part next) {
      part = next;
      LockSupport.unpark(thread);
    }

    void await() {
      while (part != null) {
        Thread.onSpinWait();
      }
    }

    private void loop() {
      while (true) {
        next().run();
        part = null;
      }
    }

    private Part next() {
      long sleepAt = System.nanoTime() + SPIN_NANOS;
      Part next = part;
      while (next == null) {
        if (System.nanoTime() - sleepAt < 0) {
          Thread.onSpinWait();
        } else {
          LockSupport.park(this);
        }
        next = part;
      }
      return next;
    }
  }
}
