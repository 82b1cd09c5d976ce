package dev.upcycle.convert;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.TestRecipes;
import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.write.CheckpointWriter;
import dev.upcycle.fixtures.dense.DenseFixture;
import dev.upcycle.plan.Planner;
import dev.upcycle.plan.UpcyclePlan;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Arabic in Egypt has digits and a decimal separator of its own.
class LocaleTest {
  private static final Locale ARABIC =
      new Locale.Builder().setLanguageTag("ar-EG-u-nu-arab").build();

  @TempDir Path folder;

  private final Locale before = Locale.getDefault();

  @AfterEach
  void restore() {
    Locale.setDefault(before);
  }

  @Test
  void theLocaleHasDigitsOfItsOwn() {
    assertThat(String.format(ARABIC, "%d", 12)).isNotEqualTo("12");
  }

  @Test
  void aTargetsNamesAndBytesDoNotDependOnTheLocale() throws IOException {
    Path dense = DenseFixture.mistral().layers(3).shards(2).write(folder.resolve("dense"));
    Locale.setDefault(Locale.ROOT);
    Map<String, String> expected = convert(dense, folder.resolve("root"));
    Locale.setDefault(ARABIC);
    assertThat(convert(dense, folder.resolve("arabic"))).isEqualTo(expected);
  }

  /// Every file's content as ISO 8859-1, so that no byte is lost, and the plan's hash.
  private static Map<String, String> convert(Path dense, Path out) throws IOException {
    Checkpoint source = Checkpoint.open(dense);
    UpcyclePlan plan = Planner.plan(source, TestRecipes.fourByTwo("output.max_shard_size=20KB"));
    PlanExecutor.run(
        plan,
        source,
        new PlanExecutor.Options(out, CheckpointWriter.Mode.FRESH, 1),
        Progress.SILENT);
    Map<String, String> contents = new TreeMap<>();
    contents.put("plan", plan.sha256());
    try (Stream<Path> files = Files.list(out)) {
      for (Path file : files.toList()) {
        contents.put(
            String.valueOf(file.getFileName()),
            Files.readString(file, StandardCharsets.ISO_8859_1));
      }
    }
    return contents;
  }
}
