package dev.upcycle.convert;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.write.CheckpointWriter;
import dev.upcycle.checkpoint.write.OutputGuard;
import dev.upcycle.checkpoint.write.ShardLayout;
import dev.upcycle.plan.UpcyclePlan;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorCompletionService;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/// Runs a plan onto disk, a slice of a tensor at a time.
///
/// Every byte has a place of its own that the layout fixes beforehand, so the order of work and the
/// number of threads never show in the result.
public final class PlanExecutor {
  private final UpcyclePlan plan;
  private final SourceWatch watch;
  private final Progress progress;
  private final ShardTasks tasks;
  private final AtomicLong done = new AtomicLong();
  private long total;

  private PlanExecutor(UpcyclePlan plan, Checkpoint source, Progress progress) {
    this.plan = plan;
    this.watch = new SourceWatch(source, plan.routerFiles());
    this.progress = progress;
    this.tasks = new ShardTasks(plan);
  }

  /// How to run a plan.
  ///
  /// @param out the directory to make
  /// @param mode what to do with what is there
  /// @param threads worker threads; the bytes do not depend on it
  public record Options(Path out, CheckpointWriter.Mode mode, int threads) {
    /// Refuses fewer than one thread.
    public Options {
      if (threads < 1) {
        throw new IllegalArgumentException(threads + " threads");
      }
    }
  }

  /// What a run did.
  ///
  /// @param out the finished directory
  /// @param files weights files
  /// @param bytes bytes of weights files written in this run
  /// @param keptFiles weights files kept from an interrupted run
  public record Result(Path out, int files, long bytes, int keptFiles) {}

  /// Runs the plan.
  ///
  /// An interrupt of the calling thread ends it between two slices with [CancellationException];
  /// what is sealed can be resumed.
  ///
  /// @param plan made from `source`
  /// @throws dev.upcycle.checkpoint.write.OutputException when the output may not be used
  /// @throws dev.upcycle.checkpoint.write.ResourceException when disk or lock refuse
  /// @throws dev.upcycle.checkpoint.CheckpointFormatException when the source changes meanwhile
  public static Result run(
      UpcyclePlan plan, Checkpoint source, Options options, Progress progress) {
    source.directories().forEach(one -> OutputGuard.check(options.out(), one));
    PlanExecutor executor = new PlanExecutor(plan, source, progress);
    executor.watch.requireUnchanged();
    try (CheckpointWriter writer =
        CheckpointWriter.begin(options.out(), plan.layout(), executor.facts(), options.mode())) {
      List<Integer> pending = writer.pending();
      long bytes = executor.fill(writer, pending, options.threads());
      new SmallFiles(plan, source).put(writer);
      writer.commit();
      int files = plan.layout().shards().size();
      return new Result(options.out(), files, bytes, files - pending.size());
    }
  }

  private Map<String, String> facts() {
    Map<String, String> facts = new TreeMap<>(watch.facts());
    facts.put("plan", plan.sha256());
    return facts;
  }

  private long fill(CheckpointWriter writer, List<Integer> pending, int threads) {
    List<ShardLayout.Shard> shards = plan.layout().shards();
    total = dataBytes(pending);
    ExecutorService workers =
        Executors.newFixedThreadPool(
            threads, Thread.ofPlatform().daemon().name("convert-", 0).factory());
    try {
      for (int index : pending) {
        run(tasks.of(shards.get(index), writer.shard(index)), workers);
        watch.requireUnchanged();
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
        .flatMap(index -> plan.layout().shards().get(index).tensors().stream())
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
