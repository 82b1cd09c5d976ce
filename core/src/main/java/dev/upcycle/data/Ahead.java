package dev.upcycle.data;

import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.Queue;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;

/// Results that worker threads prepare before they are asked for, given out in the order of their
/// tasks.
///
/// At most so many tasks as it may be ahead are begun and not given out. One thread takes; owns its
/// workers until it is closed.
///
/// @param <T> a result
final class Ahead<T> implements AutoCloseable {
  private final ExecutorService workers;
  private final Iterator<? extends Callable<T>> tasks;
  private final int most;
  private final Queue<Future<T>> begun = new ArrayDeque<>();

  /// @param threads that work
  /// @param most results that wait, or are worked on
  Ahead(Iterator<? extends Callable<T>> tasks, int threads, int most) {
    this.tasks = tasks;
    this.most = Math.max(threads, most);
    this.workers =
        Executors.newFixedThreadPool(
            threads, Thread.ofPlatform().daemon().name("upcycle-data-", 0).factory());
  }

  /// Whether another result will come.
  boolean hasNext() {
    return !begun.isEmpty() || tasks.hasNext();
  }

  /// The next result; waits until it is there.
  ///
  /// @throws RuntimeException what its task threw
  T next() throws InterruptedException {
    fill();
    try {
      return begun.remove().get();
    } catch (ExecutionException e) {
      throw rethrown(e);
    } finally {
      fill();
    }
  }

  private void fill() {
    while (begun.size() < most && tasks.hasNext()) {
      FutureTask<T> task = new FutureTask<>(tasks.next());
      begun.add(task);
      workers.execute(task);
    }
  }

  private static RuntimeException rethrown(ExecutionException thrown) {
    return switch (thrown.getCause()) {
      case RuntimeException e -> e;
      case Error e -> throw e;
      case null, default -> new IllegalStateException(thrown);
    };
  }

  /// Stops the workers; what they work on is thrown away. Does not interrupt them: that would close
  /// the file that they read from.
  @Override
  public void close() {
    begun.forEach(task -> task.cancel(false));
    workers.close();
  }
}
