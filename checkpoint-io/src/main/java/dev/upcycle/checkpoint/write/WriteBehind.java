package dev.upcycle.checkpoint.write;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/// Carries written pages to the disk while others are still being written, on a thread of its own.
///
/// Without it the sync at the end of a large shard would wait for all of its bytes. The first fault
/// is kept, since the system tells of a failed write-back only once. Owned by one writer; [#close]
/// ends the thread.
final class WriteBehind implements AutoCloseable {
  private static final long PAUSE_MILLIS = 100;

  /// Work that may fail on the disk.
  @FunctionalInterface
  interface DiskWork {
    void run() throws IOException;
  }

  /// A fault and the file at which it came up.
  record Fault(Path file, Exception cause) {}

  private final Set<Path> filling = ConcurrentHashMap.newKeySet();
  private final Queue<Future<?>> seals = new ConcurrentLinkedQueue<>();
  private volatile Optional<Fault> fault = Optional.empty();
  private final ScheduledExecutorService thread;
  private final Future<?> rounds;

  WriteBehind() {
    thread =
        Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("checkpoint-sync").factory());
    rounds =
        thread.scheduleWithFixedDelay(
            this::syncFilling, PAUSE_MILLIS, PAUSE_MILLIS, TimeUnit.MILLISECONDS);
  }

  /// Syncs this file again and again until it is sealed.
  void watch(Path file) {
    filling.add(file);
  }

  /// Syncs this file for the last time, then does `afterwards`; returns at once.
  void seal(Path file, DiskWork afterwards) {
    filling.remove(file);
    seals.add(
        thread.submit(() ->
            attempt(
                file,
                () -> {
                  Durability.sync(file);
                  afterwards.run();
                })));
  }

  /// The first fault so far.
  Optional<Fault> fault() {
    return fault;
  }

  /// Waits until all that was sealed is on the disk or a fault has come up.
  ///
  /// @throws CancellationException when the waiting thread is interrupted
  void await() {
    try {
      for (Future<?> seal : seals) {
        seal.get();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw Interruption.cancelled(e);
    } catch (ExecutionException e) {
      throw new IllegalStateException("a seal failed otherwise than on the disk", e.getCause());
    }
  }

  private void syncFilling() {
    filling.forEach(file -> attempt(file, () -> Durability.sync(file)));
  }

  private void attempt(Path file, DiskWork work) {
    if (fault.isPresent()) {
      return;
    }
    try {
      work.run();
    } catch (IOException | RuntimeException e) {
      fault = Optional.of(new Fault(file, e));
    }
  }

  /// Ends the thread; what has not been sealed by then stays unsealed.
  @Override
  public void close() {
    rounds.cancel(false);
    boolean interrupted = false;
    thread.shutdownNow();
    while (true) {
      try {
        if (thread.awaitTermination(1, TimeUnit.DAYS)) {
          break;
        }
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
