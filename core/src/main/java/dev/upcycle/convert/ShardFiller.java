package dev.upcycle.convert;

import dev.upcycle.checkpoint.write.CheckpointWriter;
import dev.upcycle.checkpoint.write.ShardLayout;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorCompletionService;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/// Fills the shards of an output, each by tasks that several threads run.
///
/// Every byte has a place of its own that the layout fixes beforehand, so the order of work and the
/// number of threads never show in the result.
public final class ShardFiller {
  private final ShardLayout layout;
  private final Tasks tasks;
  private final Progress progress;
  private final AtomicLong done = new AtomicLong();
  private long total;

  /// Says what fills a shard.
  @FunctionalInterface
  public interface Tasks {
    /// The tasks of a shard that lies in this file; together they write all of its data.
    List<FillTask> of(ShardLayout.Shard shard, Path file);
  }

  /// @param layout of the output
  public ShardFiller(ShardLayout layout, Tasks tasks, Progress progress) {
    this.layout = layout;
    this.tasks = tasks;
    this.progress = progress;
  }

  /// Fills and seals every shard that is still missing.
  ///
  /// An interrupt of the calling thread ends it between two slices with [CancellationException];
  /// what is sealed can be resumed.
  ///
  /// @param beforeSealing runs before each shard is sealed; what it throws ends the work
  /// @param threads worker threads
  /// @return bytes of the files written
  public long fill(CheckpointWriter writer, Runnable beforeSealing, int threads) {
    List<Integer> pending = writer.pending();
    List<ShardLayout.Shard> shards = layout.shards();
    total = dataBytes(pending);
    ExecutorService workers =
        Executors.newFixedThreadPool(
            threads, Thread.ofPlatform().daemon().name("convert-", 0).factory());
    try {
      for (int index : pending) {
        run(tasks.of(shards.get(index), writer.shard(index)), workers);
        beforeSealing.run();
        writer.seal(index);
      }
    } finally {
      workers.shutdownNow();
      workers.close();
    }
    return pending.stream().mapToLong(index -> shards.get(index).bytes()).sum();
  }

  private long dataBytes(List<Integer> pending) {
    return pending.stream()
        .flatMap(index -> layout.shards().get(index).tensors().stream())
        .mapToLong(placement -> placement.tensor().bytes())
        .sum();
  }

  private void run(List<FillTask> work, ExecutorService workers) {
    ExecutorCompletionService<FillTask> running = new ExecutorCompletionService<>(workers);
    for (FillTask task : work) {
      running.submit(() -> task.run(written -> advanced(written, task)), task);
    }
    try {
      for (int i = 0; i < work.size(); i++) {
        running.take().get();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      CancellationException cancelled =
          new CancellationException("interrupted; what is sealed can be resumed");
      cancelled.initCause(e);
      throw cancelled;
    } catch (ExecutionException e) {
      throw rethrown(e.getCause());
    }
  }

  private static RuntimeException rethrown(@Nullable Throwable cause) {
    if (cause instanceof Error error) {
      throw error;
    }
    return cause instanceof RuntimeException fault ? fault : new IllegalStateException(cause);
  }

  private void advanced(long written, FillTask task) {
    progress.advanced(done.addAndGet(written), total, task.what());
  }
}
