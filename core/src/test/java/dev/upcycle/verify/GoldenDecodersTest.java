package dev.upcycle.verify;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.write.CheckpointWriter;
import dev.upcycle.convert.PlanExecutor;
import dev.upcycle.convert.Progress;
import dev.upcycle.plan.Planner;
import dev.upcycle.recipe.Origin;
import dev.upcycle.recipe.Recipes;
import dev.upcycle.recipe.ResolvedRecipe;
import dev.upcycle.recipe.Setting;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// The tiny decoders that transformers saved, over every option of the two families.
class GoldenDecodersTest {
  private static final Path DECODERS =
      Path.of(System.getProperty("upcycle.root"))
          .resolve("test-fixtures/src/main/resources/dev/upcycle/fixtures/golden/decoders");

  @TempDir Path directory;

  static List<String> decoders() throws IOException {
    try (Stream<Path> folders = Files.list(DECODERS)) {
      return folders
          .filter(folder -> Files.exists(folder.resolve("config.json")))
          .map(folder -> String.valueOf(folder.getFileName()))
          .sorted()
          .toList();
    }
  }

  @ParameterizedTest
  @MethodSource("decoders")
  void whatTheConversionMakesOfADecoderPasses(String decoder) {
    assertThat(converted(decoder, "source").failures()).isEmpty();
  }

  @ParameterizedTest
  @MethodSource("decoders")
  void whatACastingConversionMakesOfADecoderPasses(String decoder) {
    assertThat(converted(decoder, "bf16").failures()).isEmpty();
  }

  private VerifyReport converted(String decoder, String dtype) {
    Path dense = DECODERS.resolve(decoder);
    Path target = directory.resolve("moe");
    Checkpoint source = Checkpoint.open(dense);
    Setting setting = new Setting(new Origin(Origin.Kind.SET, "--set"), "output.dtype", dtype);
    ResolvedRecipe recipe =
        Recipes.resolve(
            Recipes.text(source.config().modelType() + "-4x2", directory),
            List.of(setting),
            Map.of());
    PlanExecutor.run(
        Planner.plan(source, recipe),
        source,
        new PlanExecutor.Options(target, CheckpointWriter.Mode.FRESH, 1),
        Progress.SILENT);
    return Verifier.verify(
        Optional.of(dense), target, Verifier.Expectation.CONVERTED, Progress.SILENT);
  }
}
