package dev.upcycle.bench;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.write.CheckpointWriter;
import dev.upcycle.checkpoint.write.ResourceException;
import dev.upcycle.convert.PlanExecutor;
import dev.upcycle.convert.Progress;
import dev.upcycle.kernels.bench.Median;
import dev.upcycle.plan.Planner;
import dev.upcycle.plan.UpcyclePlan;
import dev.upcycle.recipe.RecipeText;
import dev.upcycle.recipe.Recipes;
import dev.upcycle.sample.Directories;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalLong;

/// Conversion against `cp` of as many bytes on the same disk, both synced, in interleaved pairs.
public final class ConvertBench {
  private ConvertBench() {}

  /// What to measure.
  ///
  /// @param directory where to work; on the disk in question, needs twice the output's bytes and
  ///   the source's
  /// @param model what to convert
  /// @param pairs how many times each side runs
  /// @param threads of the conversion
  public record Settings(Path directory, BenchModel model, int pairs, int threads) {
    /// Refuses counts below one.
    public Settings {
      if (pairs < 1 || threads < 1) {
        throw new IllegalArgumentException("a count of pairs or of threads below 1");
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

    /// The median of the pairs' ratios.
    public double medianRatio() {
      return Median.of(pairs.stream().mapToDouble(Pair::ratio));
    }
  }

  /// Measures, and removes what it wrote.
  ///
  /// @param progress hears of all pairs together, copies included
  /// @throws ResourceException when the disk refuses or there is no `cp`
  public static Result run(Settings settings, Progress progress) {
    try {
      Files.createDirectories(settings.directory());
      Path work = Files.createTempDirectory(settings.directory(), "upcycle-bench-");
      try {
        return new Run(settings, work, progress).measure();
      } finally {
        Directories.delete(work);
      }
    } catch (ClosedByInterruptException e) {
      throw new UncheckedIOException(e);
    } catch (IOException e) {
      throw new ResourceException(
          String.format(
              Locale.ROOT, "measuring in %s failed: %s", settings.directory(), e.getMessage()),
          e);
    }
  }

  /// One measurement in a directory of its own.
  private static final class Run {
    private final Settings settings;
    private final Path converted;
    private final Path copied;
    private final Path dense;
    private final Progress progress;

    Run(Settings settings, Path work, Progress progress) {
      this.settings = settings;
      this.dense = work.resolve("dense");
      this.converted = work.resolve("converted");
      this.copied = work.resolve("copied");
      this.progress = progress;
    }

    Result measure() throws IOException {
      settings.model().model().write(dense);
      Checkpoint source = Checkpoint.open(dense);
      ResidentMemory.resetPeak();
      List<Pair> pairs = new ArrayList<>();
      long outputBytes = 0;
      for (int pair = 0; pair < settings.pairs(); pair++) {
        outputBytes = plan(source).layout().fileBytes();
        double convertSeconds = convert(source, pair);
        double copySeconds = copy(pair, outputBytes);
        pairs.add(new Pair(convertSeconds, copySeconds));
        Directories.delete(copied);
        Directories.delete(converted);
      }
      long sourceBytes = source.files().stream().mapToLong(file -> file.bytes()).sum();
      return new Result(sourceBytes, outputBytes, pairs, ResidentMemory.peakBytes());
    }

    private double convert(Checkpoint source, int pair) {
      long start = System.nanoTime();
      PlanExecutor.run(
          plan(source),
          source,
          new PlanExecutor.Options(converted, CheckpointWriter.Mode.FRESH, settings.threads()),
          (done, total, what) -> advanced(2 * pair, done, total));
      return secondsSince(start);
    }

    private double copy(int pair, long bytes) throws IOException {
      long start = System.nanoTime();
      SystemCopy.copySynced(converted, copied);
      double seconds = secondsSince(start);
      advanced(2 * pair + 1, bytes, bytes);
      return seconds;
    }

    private UpcyclePlan plan(Checkpoint source) {
      RecipeText recipe = Recipes.text(settings.model().recipe(), Path.of(""));
      return Planner.plan(source, Recipes.resolve(recipe, List.of(), Map.of()));
    }

    private void advanced(int finished, long done, long bytes) {
      progress.advanced(
          finished * bytes + done,
          2L * settings.pairs() * bytes,
          String.format(
              Locale.ROOT,
              "pair %d of %d, %s",
              finished / 2 + 1,
              settings.pairs(),
              finished % 2 == 0 ? "convert" : "cp"));
    }
  }

  private static double secondsSince(long start) {
    return (System.nanoTime() - start) / 1e9;
  }
}
