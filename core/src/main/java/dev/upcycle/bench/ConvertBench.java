package dev.upcycle.bench;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.write.CheckpointWriter;
import dev.upcycle.convert.PlanExecutor;
import dev.upcycle.convert.Progress;
import dev.upcycle.plan.Planner;
import dev.upcycle.plan.UpcyclePlan;
import dev.upcycle.recipe.Recipes;
import dev.upcycle.sample.Directories;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;

/// Conversion against `cp` of as many bytes on the same disk, both synced, in interleaved pairs.
///
/// The source is a synthetic bf16 Mistral of the 0.85 B shape (hidden 2048, intermediate 5632) with
/// as many layers as the wanted size of the output takes; the recipe is the shipped `mistral-8x2`.
public final class ConvertBench {
  private static final String RECIPE = "mistral-8x2";

  private ConvertBench() {}

  /// What to measure.
  ///
  /// @param directory where to work; on the disk in question, needs twice the output's bytes and
  ///   the source's
  /// @param outputBytes wanted size of the output, rounded up to a whole layer
  /// @param pairs how many times each side runs
  /// @param threads of the conversion
  public record Settings(Path directory, long outputBytes, int pairs, int threads) {
    /// Refuses sizes and counts below one.
    public Settings {
      if (outputBytes < 1 || pairs < 1 || threads < 1) {
        throw new IllegalArgumentException("a size, count of pairs or of threads below 1");
      }
    }
  }

  /// One conversion and one copy, one after the other.
  ///
  /// @param convertSeconds from the plan to the synced, renamed directory
  /// @param copySeconds of `cp -r` and `sync -f`
  public record Pair(double convertSeconds, double copySeconds) {
    /// How many times as fast as the copy the conversion was.
    public double ratio() {
      return copySeconds / convertSeconds;
    }
  }

  /// What was measured.
  ///
  /// @param sourceBytes of weights files that went in
  /// @param outputBytes of weights files that came out
  /// @param pairs in the order in which they ran
  /// @param peakResidentBytes of this process while converting; empty where the system does not say
  public record Result(
      long sourceBytes, long outputBytes, List<Pair> pairs, OptionalLong peakResidentBytes) {
    /// Takes a copy.
    public Result {
      pairs = List.copyOf(pairs);
    }

    /// The median of the pairs' ratios; of an even number, the lower of the middle two.
    public double medianRatio() {
      return pairs.stream().mapToDouble(Pair::ratio).sorted().toArray()[(pairs.size() - 1) / 2];
    }
  }

  /// Measures, and removes what it wrote.
  public static Result run(Settings settings, Progress progress) {
    try {
      Files.createDirectories(settings.directory());
      Path work = Files.createTempDirectory(settings.directory(), "upcycle-bench-");
      try {
        return measure(settings, work, progress);
      } finally {
        Directories.delete(work);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(settings.directory() + ": " + e.getMessage(), e);
    }
  }

  private static Result measure(Settings settings, Path work, Progress progress)
      throws IOException {
    Path dense = work.resolve("dense");
    BenchModel.forOutputOf(settings.outputBytes()).write(dense);
    Checkpoint source = Checkpoint.open(dense);
    ResidentMemory.resetPeak();
    List<Pair> pairs = new ArrayList<>();
    OptionalLong peak = OptionalLong.empty();
    long outputBytes = 0;
    for (int pair = 0; pair < settings.pairs(); pair++) {
      Path converted = work.resolve("converted");
      Path copied = work.resolve("copied");
      long start = System.nanoTime();
      UpcyclePlan plan = plan(source);
      PlanExecutor.run(
          plan,
          source,
          new PlanExecutor.Options(converted, CheckpointWriter.Mode.FRESH, settings.threads()),
          progress);
      double convertSeconds = secondsSince(start);
      peak = ResidentMemory.peakBytes();
      outputBytes = plan.layout().fileBytes();
      start = System.nanoTime();
      SystemCopy.copySynced(converted, copied);
      pairs.add(new Pair(convertSeconds, secondsSince(start)));
      Directories.delete(copied);
      Directories.delete(converted);
    }
    long sourceBytes = source.files().stream().mapToLong(file -> file.bytes()).sum();
    return new Result(sourceBytes, outputBytes, pairs, peak);
  }

  private static UpcyclePlan plan(Checkpoint source) {
    return Planner.plan(
        source, Recipes.resolve(Recipes.text(RECIPE, Path.of("")), List.of(), Map.of()));
  }

  private static double secondsSince(long start) {
    return (System.nanoTime() - start) / 1e9;
  }
}
