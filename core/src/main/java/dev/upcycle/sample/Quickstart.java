package dev.upcycle.sample;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.write.CheckpointWriter;
import dev.upcycle.checkpoint.write.OutputException;
import dev.upcycle.convert.PlanExecutor;
import dev.upcycle.convert.Progress;
import dev.upcycle.plan.Planner;
import dev.upcycle.recipe.Recipes;
import dev.upcycle.recipe.ResolvedRecipe;
import dev.upcycle.verify.Verifier;
import dev.upcycle.verify.VerifyReport;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/// The whole walk on the embedded sample: write it, convert it, verify the result.
public final class Quickstart {
  /// The shipped recipe that it runs.
  public static final String RECIPE = "mistral-4x2";

  private Quickstart() {}

  /// What a quickstart made.
  ///
  /// @param recipe the recipe's name
  /// @param dense the sample's directory
  /// @param target the Mixture-of-Experts' directory
  /// @param denseParameters parameters that the sample stores
  /// @param targetParameters parameters that the target stores
  /// @param written what the conversion wrote
  /// @param report what verification found
  /// @param millis how long writing, converting and verifying took in all
  /// @param nextCommands command lines to try next, as arguments of `upcycle`
  public record Result(
      String recipe,
      Path dense,
      Path target,
      long denseParameters,
      long targetParameters,
      PlanExecutor.Result written,
      VerifyReport report,
      long millis,
      List<List<String>> nextCommands) {
    /// Takes copies.
    public Result {
      nextCommands = nextCommands.stream().map(List::copyOf).toList();
    }
  }

  /// Runs it into a directory that is empty or not there yet.
  ///
  /// @throws OutputException when something lies in the directory
  public static Result run(Path out, Progress progress) {
    long start = System.nanoTime();
    refuseUnlessEmpty(out);
    Path dense = out.resolve("dense");
    Path target = out.resolve("moe");
    SampleModel.writeTo(dense);
    Checkpoint source = Checkpoint.open(dense);
    ResolvedRecipe recipe =
        Recipes.resolve(Recipes.text(RECIPE, out.toAbsolutePath()), List.of(), Map.of());
    PlanExecutor.Result written =
        PlanExecutor.run(
            Planner.plan(source, recipe),
            source,
            new PlanExecutor.Options(target, CheckpointWriter.Mode.FRESH, 1),
            progress);
    VerifyReport report =
        Verifier.verify(
            Optional.of(dense), target, Verifier.Expectation.CONVERTED, Progress.SILENT);
    return new Result(
        RECIPE,
        dense,
        target,
        parameters(source),
        parameters(Checkpoint.open(target)),
        written,
        report,
        (System.nanoTime() - start) / 1_000_000,
        nextCommands(dense, target, out));
  }

  /// Refuses a directory that something lies in.
  ///
  /// @throws OutputException naming what was found
  public static void refuseUnlessEmpty(Path out) {
    if (!Files.exists(out)) {
      return;
    }
    if (!Files.isDirectory(out)) {
      throw new OutputException(out + " is a file; name a directory that is empty or not there");
    }
    try (Stream<Path> inside = Files.list(out)) {
      inside
          .findFirst()
          .ifPresent(found -> {
            throw new OutputException(
                String.format(
                    Locale.ROOT,
                    "%s is not empty, it holds %s; name a directory that is empty or not there",
                    out,
                    found.getFileName()));
          });
    } catch (IOException e) {
      throw new UncheckedIOException(out + ": " + e.getMessage(), e);
    }
  }

  private static long parameters(Checkpoint checkpoint) {
    return checkpoint.tensors().values().stream()
        .mapToLong(tensor -> tensor.shape().elements())
        .sum();
  }

  private static List<List<String>> nextCommands(Path dense, Path target, Path out) {
    return List.of(
        List.of("inspect", target.toString()),
        List.of("verify", dense.toString(), target.toString()),
        List.of(
            "convert",
            "mistral-8x2",
            "--model",
            dense.toString(),
            "--out",
            out.resolve("moe-8x2").toString()));
  }
}
