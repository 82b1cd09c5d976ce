package dev.upcycle.quickstart;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.write.OutputException;
import dev.upcycle.checkpoint.write.ResourceException;
import dev.upcycle.evaluate.EvaluatedText;
import dev.upcycle.evaluate.Evaluation;
import dev.upcycle.evaluate.Evaluator;
import dev.upcycle.evaluate.Strides;
import dev.upcycle.generate.Generation;
import dev.upcycle.generate.Sampler;
import dev.upcycle.generate.Sampling;
import dev.upcycle.generate.TextGenerator;
import dev.upcycle.model.ModelOptions;
import dev.upcycle.recipe.RecipeText;
import dev.upcycle.recipe.Recipes;
import dev.upcycle.recipe.ResolvedRecipe;
import dev.upcycle.recipe.Setting;
import dev.upcycle.sample.Quickstart;
import dev.upcycle.sample.SampleModel;
import dev.upcycle.text.TextModel;
import dev.upcycle.train.TrainListener;
import dev.upcycle.train.TrainRun;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// The embedded sample upcycled and trained on most of the text that it has not seen; the rest of
/// that text measures both.
public final class TrainedQuickstart {
  /// What both models continue.
  public static final String PROMPT = "The Rays of Light";

  private static final String RECIPE = "quickstart-train.yaml";
  private static final double TRAINED_SHARE = 0.9;
  private static final int CONTEXT = 256;
  private static final int SAMPLE_TOKENS = 160;
  private static final Sampling SAMPLING = new Sampling.Nucleus(0.8, 0.95, 1704);

  private TrainedQuickstart() {}

  /// How it runs.
  ///
  /// @param steps of training; empty for as many as the recipe says
  /// @param threads of one operation
  public record Settings(Optional<Integer> steps, int threads) {}

  /// What one of the models is good for.
  ///
  /// @param model its folder
  /// @param loss the mean cross-entropy of the tokens that measure, in nats
  /// @param text how it continues [#PROMPT]
  public record Reading(Path model, double loss, String text) {}

  /// What it made.
  ///
  /// @param recipe the file that trains it again
  /// @param before the dense sample, whose function the experts begin with
  /// @param after with experts, trained
  /// @param steps that were taken
  /// @param millis how long all of it took
  public record Result(Path recipe, Reading before, Reading after, long steps, long millis) {}

  /// Runs it into a directory that is empty or not there yet.
  ///
  /// An interrupt ends it; what was trained stays and can be resumed as any run.
  ///
  /// @throws OutputException when something lies in the directory
  public static Result run(Path out, Settings settings, TrainListener listener)
      throws InterruptedException {
    long start = System.nanoTime();
    Quickstart.refuseUnlessEmpty(out);
    Path dense = out.resolve("dense");
    SampleModel.writeTo(dense);
    String measured = split(dense.resolve("held-out.txt"), out);
    ResolvedRecipe recipe = recipe(out, settings);
    Reading before = read(dense, measured, settings);
    ModelOptions options = ModelOptions.cpu();
    TrainRun.Result trained =
        TrainRun.run(
            new TrainRun.Request(
                Checkpoint.open(dense), recipe, options.device(), settings.threads()),
            out.resolve("run"),
            TrainRun.Mode.FRESH,
            listener);
    Reading after = read(trained.model(), measured, settings);
    long millis = (System.nanoTime() - start) / 1_000_000;
    return new Result(out.resolve(RECIPE), before, after, trained.steps(), millis);
  }

  /// Cuts the text between two paragraphs, writes both parts and gives the second.
  private static String split(Path whole, Path out) {
    try {
      String text = Files.readString(whole);
      int cut = text.lastIndexOf("\n\n", (int) (TRAINED_SHARE * text.length())) + 2;
      Files.writeString(out.resolve("train.txt"), text.substring(0, cut));
      Files.writeString(out.resolve("measure.txt"), text.substring(cut));
      return text.substring(cut);
    } catch (IOException e) {
      throw new ResourceException("cannot write the texts to " + out + ": " + e.getMessage(), e);
    }
  }

  private static ResolvedRecipe recipe(Path out, Settings settings) {
    String yaml;
    try (InputStream in = TrainedQuickstart.class.getResourceAsStream(RECIPE)) {
      if (in == null) {
        throw new IllegalStateException("the recipe " + RECIPE + " is not embedded");
      }
      yaml = new String(in.readAllBytes(), StandardCharsets.UTF_8);
      Files.writeString(out.resolve(RECIPE), yaml);
    } catch (IOException e) {
      throw new ResourceException("cannot write the recipe to " + out + ": " + e.getMessage(), e);
    }
    List<Setting> given =
        settings.steps().stream()
            .map(steps -> Setting.parse("train.stages.0.steps=" + steps))
            .toList();
    RecipeText text = new RecipeText(RECIPE, yaml, Optional.of(out.toAbsolutePath()));
    return Recipes.resolve(text, given, Map.of());
  }

  private static Reading read(Path directory, String measured, Settings settings)
      throws InterruptedException {
    ModelOptions options = TextModel.options("cpu", "f32");
    options.useThreads(settings.threads());
    try (TextModel model = TextModel.open(directory, options)) {
      EvaluatedText text = new EvaluatedText("measure.txt", model.ids(measured));
      Evaluation evaluation =
          new Evaluator(List.of(text), new Strides(CONTEXT, CONTEXT), (_, _) -> {})
              .evaluate(model.model());
      List<Long> prompt = model.encode(PROMPT);
      Generation generation =
          new TextGenerator(model.model(), new Sampler(SAMPLING), Set.of())
              .generate(prompt, SAMPLE_TOKENS, _ -> {});
      return new Reading(
          directory,
          Math.log(evaluation.perplexity()),
          PROMPT + model.tokenizer().decode(generation.said()));
    }
  }
}
