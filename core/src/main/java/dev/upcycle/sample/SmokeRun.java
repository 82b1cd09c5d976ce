package dev.upcycle.sample;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.write.CheckpointWriter;
import dev.upcycle.convert.PlanExecutor;
import dev.upcycle.convert.Progress;
import dev.upcycle.dialect.Sources;
import dev.upcycle.plan.Planner;
import dev.upcycle.recipe.RecipeText;
import dev.upcycle.recipe.Recipes;
import dev.upcycle.recipe.ResolvedRecipe;
import dev.upcycle.sample.SmokeResult.Outcome;
import dev.upcycle.sample.SmokeResult.Stage;
import dev.upcycle.verify.Verifier;
import dev.upcycle.verify.VerifyReport;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Collectors;

/// Takes a recipe through everything that needs no weights: a tiny model is made, converted and
/// verified, then damaged, and the damage must be caught.
///
/// Works in a temporary directory of its own, which it removes.
public final class SmokeRun {
  private final String recipe;
  private final Path directory;
  private final Consumer<SmokeResult> watcher;
  private final List<SmokeResult> results = new ArrayList<>();

  private SmokeRun(String recipe, Path directory, Consumer<SmokeResult> watcher) {
    this.recipe = recipe;
    this.directory = directory;
    this.watcher = watcher;
  }

  /// Runs the recipes one after the other; every stage of every recipe has a result.
  ///
  /// @param watcher hears each result as it comes
  public static List<SmokeResult> run(List<RecipeText> recipes, Consumer<SmokeResult> watcher) {
    List<SmokeResult> results = new ArrayList<>();
    for (RecipeText recipe : recipes) {
      Path directory = Directories.temporary("upcycle-smoke");
      try {
        SmokeRun run = new SmokeRun(recipe.source(), directory, watcher);
        run.stages(recipe);
        results.addAll(run.results);
      } finally {
        Directories.delete(directory);
      }
    }
    return List.copyOf(results);
  }

  private void stages(RecipeText text) {
    Path dense = directory.resolve("dense");
    Path target = directory.resolve("moe");
    Optional<ResolvedRecipe> resolved =
        stage(Stage.READ, Optional.of(text), given -> Recipes.resolve(given, List.of(), Map.of()));
    Optional<ResolvedRecipe> made =
        stage(
            Stage.MAKE,
            resolved,
            given -> {
              TinyModel.write(given.recipe(), dense);
              return TinyRouters.fit(text, given, dense, directory);
            });
    Optional<Path> converted = stage(Stage.CONVERT, made, given -> convert(given, dense, target));
    Optional<Path> verified = stage(Stage.VERIFY, converted, moe -> pass(dense, moe));
    stage(Stage.CATCH_FLIPPED_BYTE, verified, moe -> caught(dense, moe, Damage::flipByte));
    stage(Stage.CATCH_SWAPPED_MATRICES, verified, moe -> caught(dense, moe, Damage::swapMatrices));
  }

  private static Path convert(ResolvedRecipe recipe, Path dense, Path target) {
    Checkpoint source = Checkpoint.open(dense);
    PlanExecutor.run(
        Planner.plan(source, recipe),
        source,
        new PlanExecutor.Options(target, CheckpointWriter.Mode.FRESH, 1),
        Progress.SILENT);
    return target;
  }

  private static Path pass(Path dense, Path target) {
    VerifyReport report = verify(dense, target);
    if (!report.passed()) {
      throw new SmokeFailure("verification failed: " + describe(report));
    }
    return target;
  }

  private Path caught(Path dense, Path target, Damage damage) {
    Path copy = directory.resolve("damaged");
    Directories.copyFiles(target, copy);
    try {
      Set<String> damaged = damage.inflict(Sources.open(copy));
      VerifyReport report = verify(dense, copy);
      Set<String> named =
          report.failures().stream().map(VerifyReport.Failure::tensor).collect(Collectors.toSet());
      if (!named.equals(damaged)) {
        throw new SmokeFailure(
            String.format(Locale.ROOT, "damaged %s, verification named %s", damaged, named));
      }
      return copy;
    } finally {
      Directories.delete(copy);
    }
  }

  private static VerifyReport verify(Path dense, Path target) {
    return Verifier.verify(
        Optional.of(dense), target, Verifier.Expectation.CONVERTED, Progress.SILENT);
  }

  private static String describe(VerifyReport report) {
    return report.failures().stream()
        .limit(3)
        .map(failure -> failure.tensor() + ": " + failure.message())
        .collect(Collectors.joining("; "));
  }

  /// Runs a stage on what the one before it made; skips it when that failed.
  private <T, R> Optional<R> stage(Stage stage, Optional<T> given, Function<T, R> body) {
    if (given.isEmpty()) {
      report(new SmokeResult(recipe, stage, Outcome.SKIPPED, "an earlier stage failed", 0));
      return Optional.empty();
    }
    long start = System.nanoTime();
    try {
      R made = body.apply(given.get());
      report(new SmokeResult(recipe, stage, Outcome.PASSED, "", millisSince(start)));
      return Optional.of(made);
    } catch (CancellationException interrupted) {
      throw interrupted;
    } catch (RuntimeException failure) {
      // Whatever goes wrong is this stage's result: the other recipes still have to run.
      String detail =
          failure instanceof SmokeFailure
              ? String.valueOf(failure.getMessage())
              : failure.getClass().getSimpleName() + ": " + failure.getMessage();
      report(new SmokeResult(recipe, stage, Outcome.FAILED, detail, millisSince(start)));
      return Optional.empty();
    }
  }

  private void report(SmokeResult result) {
    results.add(result);
    watcher.accept(result);
  }

  private static long millisSince(long start) {
    return (System.nanoTime() - start) / 1_000_000;
  }
}
