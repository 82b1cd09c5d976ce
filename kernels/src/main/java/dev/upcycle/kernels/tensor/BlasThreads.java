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
import java.util.Optional;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/// The threads on which OpenBLAS multiplies, in the place of its own.
///
/// OpenBLAS's threads spin for milliseconds after each product and take a processor from the
/// threads of every other operation meanwhile. It lets a program run the parts of a product instead
/// (`openblas_set_threads_callback_function`); these threads spin for microseconds, then sleep.
///
/// The parts of one product wait for each other, so each needs a thread that runs at once: the
/// caller's and one of these per further part. OpenBLAS asks from within LibTorch, where nothing
/// may be thrown: what fails there is kept until the operation is back in Java, and thrown then.
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

  private static final BlasThreads SHARED =
      new BlasThreads(
          BlasThreads::callBlas, Thread.ofPlatform().daemon().name("blas-", 1).factory());

  private final PartCall call;
  private final ThreadFactory threads;
  private final List<Worker> workers = new ArrayList<>();
  private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
  private boolean installed;

  private static void callBlas(MemorySegment function, int index, MemorySegment data, int extra)
      throws Throwable {
    RUN.invokeExact(function, index, data, extra);
  }

  /// @param call runs one part on the thread that asks
  /// @param threads makes those that further parts run on
  BlasThreads(PartCall call, ThreadFactory threads) {
    this.call = call;
    this.threads = threads;
  }

  /// Runs one part of a product.
  @FunctionalInterface
  interface PartCall {
    /// What [BlasCallback#multiply] was given, for one part.
    void run(MemorySegment function, int index, MemorySegment data, int extra) throws Throwable;
  }

  /// Has OpenBLAS use these threads from now on, where the BLAS in use is OpenBLAS; it must be
  /// loaded.
  ///
  /// @param parts into which OpenBLAS may divide a product
  static void install(int parts) {
    SHARED.prepare(parts);
    SHARED.installOnce();
  }

  /// Throws what failed in a product since this was last asked. Every operation asks when it ends:
  /// a product that failed has left numbers that mean nothing.
  ///
  /// @throws KernelException when one failed
  static void requireSound() {
    // Almost always nothing failed, and reading is cheaper than exchanging.
    if (SHARED.failure.get() != null) {
      SHARED
          .takeFailure()
          .ifPresent(cause -> {
            throw new KernelException("a part of a matrix product failed: " + cause, cause);
          });
    }
  }

  Optional<Throwable> takeFailure() {
    return Optional.ofNullable(failure.getAndSet(null));
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

  /// Makes the threads that a product in so many parts needs, here, where it may fail.
  ///
  /// @throws KernelException when the system refuses a thread
  synchronized void prepare(int parts) {
    while (workers.size() < parts - 1) {
      try {
        workers.add(new Worker());
      } catch (OutOfMemoryError e) {
        throw new KernelException(
            "no thread for matrix products could be started, %d of %d run; ask for fewer threads"
                .formatted(workers.size() + 1, parts),
            e);
      }
    }
  }

  /// One product at a time: two at once could each hold threads that the other's parts wait for.
  ///
  /// Where there are too few threads no part runs, since those that did would wait for ever.
  @Override
  @SuppressWarnings("CatchingUnchecked") // an exception that leaves here ends the process
  public synchronized void multiply(
      int sync, MemorySegment run, int parts, long size, MemorySegment first, int extra) {
    try {
      prepare(parts);
      List<Part> all = new ArrayList<>(parts);
      for (int i = 0; i < parts; i++) {
        MemorySegment data = MemorySegment.ofAddress(first.address() + i * size);
        all.add(new Part(run, i, data, extra));
      }
      for (int i = 1; i < parts; i++) {
        workers.get(i - 1).start(all.get(i));
      }
      run(all.getFirst());
      for (int i = 1; i < parts; i++) {
        workers.get(i - 1).await();
      }
    } catch (Throwable e) {
      failure.compareAndSet(null, e);
    }
  }

  private void run(Part part) {
    try {
      call.run(part.function(), part.index(), part.data(), part.extra());
    } catch (Throwable e) {
      failure.compareAndSet(null, e);
    }
  }

  private record Part(MemorySegment function, int index, MemorySegment data, int extra) {}

  private final class Worker {
    private volatile @Nullable Part part;
    private final Thread thread;

    Worker() {
      thread = threads.newThread(this::loop);
      thread.start();
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
        run(next());
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
