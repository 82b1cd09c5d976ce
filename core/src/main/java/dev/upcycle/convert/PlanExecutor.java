package dev.upcycle.convert;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.SourceFile;
import dev.upcycle.checkpoint.write.CheckpointWriter;
import dev.upcycle.checkpoint.write.OutputGuard;
import dev.upcycle.plan.UpcyclePlan;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.stream.Stream;

/// Runs a plan onto disk, a slice of a tensor at a time.
///
/// Every byte has a place of its own that the layout fixes beforehand, so the order of work and the
/// number of threads never show in the result.
public final class PlanExecutor {
  private final UpcyclePlan plan;
  private final SourceWatch watch;

  private PlanExecutor(UpcyclePlan plan, Checkpoint source) {
    this.plan = plan;
    this.watch = new SourceWatch(source, plan.routerFiles());
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
    guarded(source).forEach(one -> OutputGuard.check(options.out(), one));
    PlanExecutor executor = new PlanExecutor(plan, source);
    executor.watch.requireUnchanged();
    try (CheckpointWriter writer =
        CheckpointWriter.begin(options.out(), plan.layout(), executor.facts(), options.mode())) {
      List<Integer> pending = writer.pending();
      ShardFiller filler = new ShardFiller(plan.layout(), new ShardTasks(plan)::of, progress);
      long bytes = filler.fill(writer, executor.watch::requireUnchanged, options.threads());
      new SmallFiles(plan, source).put(writer);
      writer.commit();
      int files = plan.layout().shards().size();
      return new Result(options.out(), files, bytes, files - pending.size());
    }
  }

  /// What is only ever read: directories of models; of a folder that has no config, and so is none,
  /// the weights alone.
  private static Stream<Path> guarded(Checkpoint source) {
    Predicate<Path> model = folder -> Files.exists(folder.resolve("config.json"));
    return Stream.concat(
        source.directories().stream().filter(model),
        source.files().stream()
            .map(SourceFile::path)
            .filter(
                file -> !model.test(Objects.requireNonNull(file.toAbsolutePath().getParent()))));
  }

  private Map<String, String> facts() {
    Map<String, String> facts = new TreeMap<>(watch.facts());
    facts.put("plan", plan.sha256());
    return facts;
  }
}
