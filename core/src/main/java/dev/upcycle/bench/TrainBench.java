package dev.upcycle.bench;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.write.ResourceException;
import dev.upcycle.data.DataRow;
import dev.upcycle.data.RowEncoding;
import dev.upcycle.data.Tokenizer;
import dev.upcycle.kernels.bench.Median;
import dev.upcycle.kernels.bench.Turns;
import dev.upcycle.recipe.RecipeText;
import dev.upcycle.recipe.Recipes;
import dev.upcycle.recipe.ResolvedRecipe;
import dev.upcycle.sample.Directories;
import dev.upcycle.sample.DrawnData;
import dev.upcycle.sample.DrawnTokenizer;
import dev.upcycle.train.TrainRun;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.IntConsumer;
import java.util.function.ToDoubleFunction;

/// A training run with data, metrics, events and checkpoints beside the bare step over the same
/// batches, in turns; and images prepared beside images that a small model learns from.
public final class TrainBench {
  /// How many batches the text is long; later ones are the same in another order.
  private static final int TEXT_BATCHES = 32;

  private TrainBench() {}

  /// What to measure.
  ///
  /// @param batch sequences of a step
  /// @param seq tokens of a sequence, at least 2
  /// @param every steps from checkpoint to checkpoint, and of a turn; at least 2
  public record Setting(DecoderShape shape, int batch, int seq, int every) {
    /// Refuses batches without tokens, turns without a step that follows no checkpoint, and
    /// vocabularies that the tokenizer does not fit in.
    public Setting {
      if (batch < 1 || seq < 2 || every < 2) {
        throw new IllegalArgumentException(
            "a batch below 1, a sequence below 2 tokens or fewer than 2 steps between checkpoints");
      }
      if (shape.vocab() < DrawnTokenizer.vocabulary()) {
        throw new IllegalArgumentException(
            "a vocabulary of %d, the tokenizer of the drawn data has %d"
                .formatted(shape.vocab(), DrawnTokenizer.vocabulary()));
      }
    }

    /// The step of the run after which a turn ends, so that a checkpoint lies in the middle of each
    /// but the first.
    ///
    /// @param turn from 0
    int end(int turn) {
      return every / 2 + turn * every;
    }
  }

  /// What was measured.
  ///
  /// @param turns that count
  /// @param firstStall of the first checkpoint, for which memory is taken
  /// @param images of another, tiny model
  public record Result(List<TrainTurn> turns, double firstStall, ImageRates images) {
    /// Takes a copy.
    public Result {
      turns = List.copyOf(turns);
    }

    /// Of the run, the median.
    public double tokensPerSecond() {
      return median(turn -> turn.loop().rate());
    }

    /// Of the bare step, the median.
    public double bareTokensPerSecond() {
      return median(turn -> turn.bare().rate());
    }

    /// The run's speed in units of the bare step's, the median over the turns.
    public double ratio() {
      return median(TrainTurn::ratio);
    }

    /// The same by processor time.
    public double cpuRatio() {
      return median(TrainTurn::cpuRatio);
    }

    /// The median over the turns.
    public double stall() {
      return median(TrainTurn::stall);
    }

    private double median(ToDoubleFunction<TrainTurn> figure) {
      return Median.of(turns.stream().mapToDouble(figure));
    }
  }

  /// Measures, and removes what it wrote.
  ///
  /// @param folder where a folder of its own is made, on the disk in question
  /// @param turned hears of every turn that is done; the first two warm up
  /// @throws ResourceException when it cannot write there
  public static Result run(
      Setting setting, ComputeSettings settings, Path folder, IntConsumer turned)
      throws InterruptedException {
    settings.useThreads();
    try {
      Path work = Files.createTempDirectory(folder, "upcycle-bench-");
      try {
        List<TrainTurn> turns = turns(setting, settings, work, turned);
        ImageRates images = ImageRates.measure(work.resolve("sight"), settings);
        int warm = Turns.count(0);
        return new Result(turns.subList(warm, turns.size()), turns.get(warm - 1).stall(), images);
      } finally {
        Directories.delete(work);
      }
    } catch (IOException e) {
      throw new ResourceException("cannot write to " + folder + ": " + e.getMessage(), e);
    }
  }

  private static List<TrainTurn> turns(
      Setting setting, ComputeSettings settings, Path work, IntConsumer turned)
      throws IOException, InterruptedException {
    Path dense = work.resolve("model");
    setting.shape().sparse().write(dense);
    DrawnTokenizer.writeTo(dense);
    writeText(setting, work, dense);
    Checkpoint source = Checkpoint.open(dense);
    ResolvedRecipe recipe = recipe(setting, settings, work);
    try (BareSide bare = BareSide.open(source, recipe.recipe(), settings)) {
      Path run = work.resolve("run");
      LoopTurns loop = new LoopTurns(setting, run.resolve("checkpoints"), bare, turned);
      TrainRun.run(
          new TrainRun.Request(source, recipe, settings.options().device(), settings.threads()),
          run,
          TrainRun.Mode.FRESH,
          loop);
      return loop.turns();
    }
  }

  private static void writeText(Setting setting, Path work, Path model) throws IOException {
    Path data = work.resolve("data");
    DrawnData.writeTo(data);
    String once = Files.readString(data.resolve(DrawnData.DESCRIPTIONS));
    try (Tokenizer tokenizer = Tokenizer.require(model)) {
      int tokens =
          new RowEncoding.Plain(tokenizer, OptionalLong.empty())
              .tokens(new DataRow.Text(once))
              .length();
      long wanted = (long) TEXT_BATCHES * setting.batch() * setting.seq();
      int times = Math.toIntExact(Math.ceilDiv(wanted, tokens));
      Files.writeString(work.resolve("text.txt"), once.repeat(times));
    }
  }

  private static ResolvedRecipe recipe(Setting setting, ComputeSettings settings, Path work) {
    int steps = setting.end(Turns.count(settings.turns()) - 1);
    String yaml =
        """
        recipe: 1
        train:
          stages:
            - name: bench
              rates: {all: %s}
              batch: %d
              micro_batch: %d
              steps: %d
              epochs: %d
              clip_norm: %s
              precision: %s
              schedule: {kind: constant}
              data: {path: text.txt, max_tokens: %d}
              checkpoint: {every: %d}
        """
            .formatted(
                BareStep.RATE,
                setting.batch(),
                setting.batch(),
                steps,
                Math.ceilDiv(steps, TEXT_BATCHES) + 1,
                BareStep.LIMIT,
                settings.options().compute().name().toLowerCase(Locale.ROOT),
                setting.seq(),
                setting.every());
    RecipeText text = new RecipeText("the measured recipe", yaml, Optional.of(work));
    return Recipes.resolve(text, List.of(), Map.of());
  }
}
