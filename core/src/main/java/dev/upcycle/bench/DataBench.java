package dev.upcycle.bench;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import dev.upcycle.data.BatchSource;
import dev.upcycle.data.DataRow;
import dev.upcycle.data.ImageInput;
import dev.upcycle.data.ModelInput;
import dev.upcycle.data.RowEncoding;
import dev.upcycle.data.SampleOrder;
import dev.upcycle.data.SampleSet;
import dev.upcycle.data.SkipLimit;
import dev.upcycle.data.SkippedRows;
import dev.upcycle.data.Splice;
import dev.upcycle.data.StageData;
import dev.upcycle.data.Tokenizer;
import dev.upcycle.image.Preprocessing;
import dev.upcycle.kernels.bench.Median;
import dev.upcycle.recipe.DataSettings;
import dev.upcycle.sample.DrawnData;
import dev.upcycle.sample.DrawnTokenizer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Stream;

/// How fast texts become tokens, beside the tokenizer library alone, and how fast pictures and
/// texts become batches; on the drawn data set.
public final class DataBench {
  private static final int PATCHES = 16;
  private static final int MICRO_BATCH = 8;
  private static final int MOST_TOKENS = 256;
  private static final int DOCUMENTS = 200;
  private static final String PREPROCESSING =
      """
      {"image_processor_type": "CLIPImageProcessor", "size": {"shortest_edge": 28},
       "crop_size": {"height": 28, "width": 28}}\
      """;

  private DataBench() {}

  /// How it runs.
  ///
  /// @param threads that make samples
  /// @param turns that the medians are of
  public record Setting(int threads, int turns) {
    /// Refuses nothing to do.
    public Setting {
      if (threads < 1 || turns < 1) {
        throw new IllegalArgumentException(
            "%d threads, %d turns; expected at least 1".formatted(threads, turns));
      }
    }
  }

  /// Medians of all turns.
  ///
  /// @param tokensPerSecond of texts as training reads them, in one thread
  /// @param libraryTokensPerSecond of the tokenizer library called by itself, in turns with it
  /// @param ratio of the two, turn by turn
  /// @param imagesPerSecond with their texts, as batches, in all threads
  public record Result(
      double tokensPerSecond,
      double libraryTokensPerSecond,
      double ratio,
      double imagesPerSecond) {}

  /// Measures in a temporary folder.
  public static Result run(Setting setting) throws InterruptedException {
    Path folder = folder();
    try (ModelInput model = model(folder);
        HuggingFaceTokenizer library = library(folder)) {
      List<String> texts = texts(folder);
      RowEncoding encoding = new RowEncoding.Plain(model.tokenizer(), OptionalLong.empty());
      List<double[]> turns = new ArrayList<>();
      for (int turn = 0; turn <= setting.turns(); turn++) {
        double alone = rate(texts, text -> library.encode(text, true, false).getIds().length);
        double ours = rate(texts, text -> encoding.tokens(new DataRow.Text(text)).length());
        turns.add(new double[] {ours, alone, ours / alone, images(folder, model, setting)});
      }
      List<double[]> warm = turns.subList(1, turns.size());
      return new Result(median(warm, 0), median(warm, 1), median(warm, 2), median(warm, 3));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } finally {
      remove(folder);
    }
  }

  private static double median(List<double[]> turns, int figure) {
    return Median.of(turns.stream().mapToDouble(turn -> turn[figure]));
  }

  private static Path folder() {
    try {
      Path folder = Files.createTempDirectory("upcycle-bench-data");
      DrawnData.writeTo(folder);
      DrawnTokenizer.writeTo(folder);
      Files.writeString(folder.resolve("preprocessor_config.json"), PREPROCESSING);
      return folder;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void remove(Path folder) {
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static ModelInput model(Path folder) {
    return new ModelInput(
        folder,
        Tokenizer.require(folder),
        new ModelInput.Vocabulary(
            DrawnTokenizer.vocabulary(), OptionalLong.empty(), DrawnTokenizer.padding()),
        OptionalLong.empty(),
        Optional.of(
            new ImageInput(
                Preprocessing.read(folder),
                new Splice(DrawnTokenizer.image(), PATCHES),
                DrawnData.SIDE)));
  }

  private static HuggingFaceTokenizer library(Path folder) throws IOException {
    return HuggingFaceTokenizer.newInstance(
        folder.resolve(Tokenizer.FILE_NAME), Map.of("truncation", "false", "padding", "false"));
  }

  /// Documents of about two thousand characters.
  private static List<String> texts(Path folder) throws IOException {
    String all = Files.readString(folder.resolve(DrawnData.DESCRIPTIONS));
    List<String> texts = new ArrayList<>();
    for (int i = 0; i < DOCUMENTS; i++) {
      int from = i * 997 % (all.length() - 2_000);
      texts.add(all.substring(from, from + 2_000));
    }
    return texts;
  }

  private interface Counter {
    int tokens(String text);
  }

  private static double rate(List<String> texts, Counter counter) {
    long start = System.nanoTime();
    long tokens = 0;
    for (String text : texts) {
      tokens += counter.tokens(text);
    }
    return tokens / seconds(start);
  }

  private static double images(Path folder, ModelInput model, Setting setting)
      throws InterruptedException {
    StageData stage =
        new StageData(
            new DataSettings(
                folder.resolve(DrawnData.DESCRIPTIONS),
                Optional.of(folder.resolve(DrawnData.IMAGES)),
                DataSettings.Template.MISTRAL_INSTRUCT_SYSTEM,
                DataSettings.Aspect.PAD,
                MOST_TOKENS,
                DataSettings.Sampling.RANDOM),
            model);
    return imagesPerSecond(stage, MICRO_BATCH, setting.threads());
  }

  /// Images of one pass over a stage's rows, as batches.
  ///
  /// @param batch rows of each
  /// @param threads that make samples
  static double imagesPerSecond(StageData stage, int batch, int threads)
      throws InterruptedException {
    BatchSource.Settings settings =
        new BatchSource.Settings(
            batch,
            stage.collation(),
            new SkippedRows(SkipLimit.NONE),
            new BatchSource.Work(threads, 4 * threads),
            BatchSource.Passes.ENDLESS);
    try (SampleSet samples = stage.open(threads, SkipLimit.NONE)) {
      SampleOrder order = stage.order(samples, batch, 1);
      try (BatchSource source = new BatchSource(samples, order, settings)) {
        long start = System.nanoTime();
        long images = 0;
        while (source.position().epoch() == 0) {
          images += source.next().orElseThrow().images().count();
        }
        return images / seconds(start);
      }
    }
  }

  private static double seconds(long start) {
    return (System.nanoTime() - start) / 1e9;
  }
}
