package dev.upcycle.densify;

import dev.upcycle.arch.Architecture;
import dev.upcycle.checkpoint.write.CheckpointWriter;
import dev.upcycle.checkpoint.write.FileRange;
import dev.upcycle.checkpoint.write.OutputGuard;
import dev.upcycle.checkpoint.write.ShardLayout;
import dev.upcycle.convert.CarriedFiles;
import dev.upcycle.convert.FillTask;
import dev.upcycle.convert.Progress;
import dev.upcycle.convert.ShardFiller;
import dev.upcycle.convert.SourceWatch;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/// Writes the dense model inside a model of experts, a slice of a tensor at a time.
public final class Densifier {
  private final Map<String, DenseTensor> byName = new HashMap<>();
  private final ExpertChoice choice;

  private Densifier(DensePlan plan, ExpertChoice choice) {
    plan.tensors().forEach(tensor -> byName.put(tensor.target().name(), tensor));
    this.choice = choice;
  }

  /// Where and how to write.
  ///
  /// @param out the directory to make
  /// @param mode what to do with what is there
  /// @param maxShardBytes limit of the tensor bytes of one file
  /// @param threads worker threads; the bytes do not depend on it
  public record Options(Path out, CheckpointWriter.Mode mode, long maxShardBytes, int threads) {
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
  public record Result(Path out, int files, long bytes) {}

  /// What hears of the two halves of the work.
  ///
  /// @param comparing bytes of copies compared with one another
  /// @param writing bytes written
  public record Meters(Progress comparing, Progress writing) {
    /// Hears nothing.
    public static final Meters SILENT = new Meters(Progress.SILENT, Progress.SILENT);
  }

  /// Writes the dense model; nothing is written when it is refused.
  ///
  /// @throws DensifyException when copies differ that must be equal, or an expert does not exist
  /// @throws dev.upcycle.checkpoint.write.OutputException when the output may not be used
  /// @throws dev.upcycle.checkpoint.write.ResourceException when disk or lock refuse
  /// @throws dev.upcycle.checkpoint.CheckpointFormatException when the source changes meanwhile
  public static Result run(DensePlan plan, ExpertChoice choice, Options options, Meters meters) {
    OutputGuard.check(options.out(), plan.mixture().directory());
    SourceWatch watch = new SourceWatch(plan.mixture(), List.of());
    check(plan, choice, meters.comparing());
    watch.requireUnchanged();
    ShardLayout layout = plan.layout(options.maxShardBytes());
    Map<String, String> facts = new TreeMap<>(watch.facts());
    facts.put("densified by", choice.toString());
    try (CheckpointWriter writer =
        CheckpointWriter.begin(options.out(), layout, facts, options.mode())) {
      Densifier densifier = new Densifier(plan, choice);
      long bytes =
          new ShardFiller(layout, densifier::tasks, meters.writing())
              .fill(writer, watch::requireUnchanged, options.threads());
      carried(plan).put(writer);
      writer.put("config.json", plan.config().toJson());
      writer.commit();
      return new Result(options.out(), layout.shards().size(), bytes);
    }
  }

  private static CarriedFiles carried(DensePlan plan) {
    return CarriedFiles.of(
        plan.mixture(),
        Architecture.find(plan.mixture().config().modelType()).flatMap(Architecture::modeling));
  }

  private static void check(DensePlan plan, ExpertChoice choice, Progress progress) {
    switch (choice) {
      case ExpertChoice.Shared() -> new CopyCheck(progress).require(plan.tensors());
      case ExpertChoice.Mean() -> new CopyCheck(progress).require(body(plan));
      case ExpertChoice.One(int index) -> {
        requireExpert(plan, index);
        new CopyCheck(progress).require(body(plan));
      }
    }
  }

  private static List<DenseTensor> body(DensePlan plan) {
    return plan.tensors().stream().filter(tensor -> !tensor.experts()).toList();
  }

  private static void requireExpert(DensePlan plan, int index) {
    plan.tensors().stream()
        .filter(tensor -> tensor.experts() && index >= tensor.copies().size())
        .findFirst()
        .ifPresent(tensor -> {
          throw new DensifyException(
              String.format(
                  Locale.ROOT,
                  "--expert %d: %s went into %d experts; choose 0 to %d",
                  index,
                  tensor.target().name(),
                  tensor.copies().size(),
                  tensor.copies().size() - 1));
        });
  }

  private List<FillTask> tasks(ShardLayout.Shard shard, Path file) {
    return shard.tensors().stream()
        .map(placement ->
            task(tensor(placement.tensor().name()), new FileRange.Start(file, placement.offset())))
        .toList();
  }

  private DenseTensor tensor(String name) {
    DenseTensor tensor = byName.get(name);
    if (tensor == null) {
      throw new IllegalStateException("nothing makes " + name);
    }
    return tensor;
  }

  private FillTask task(DenseTensor tensor, FileRange.Start start) {
    return switch (choice) {
      case ExpertChoice.Mean() when tensor.experts() -> new ExpertMean(tensor, start);
      case ExpertChoice.One(int index) when tensor.experts() -> copy(tensor, index, start);
      case ExpertChoice.Shared(), ExpertChoice.One(_), ExpertChoice.Mean() ->
          copy(tensor, 0, start);
    };
  }

  private static FillTask copy(DenseTensor tensor, int index, FileRange.Start start) {
    return new FillTask.Copy(tensor.copies().get(index), tensor.target().dtype(), List.of(start));
  }
}
