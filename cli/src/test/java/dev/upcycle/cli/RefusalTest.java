package dev.upcycle.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// What the command line says no to, and how the process ends then.
class RefusalTest {
  private static final String FIXTURES =
      System.getProperty("upcycle.root")
          + "/test-fixtures/src/main/resources/dev/upcycle/fixtures/golden/decoders/";
  private static final String DENSE = FIXTURES + "llama-plain";

  /// The upper half of the float32 next to a million.
  private static final short MILLION_IN_BF16 = 0x4974;

  @TempDir private Path folder;

  @Test
  void verifyRefusesASecondTargetInsteadOfPassingItOver() {
    convert();

    Session.Outcome outcome = run("verify", DENSE, "moe", "moe");

    assertThat(outcome.code()).isEqualTo(2);
    assertThat(outcome.err()).contains("found 3");
  }

  @Test
  void aFamilyThatIsNotBuiltIsRefusedAsAModelAlsoWithoutARecipe() throws IOException {
    Path config = Files.writeString(folder.resolve("config.json"), "{\"model_type\": \"gemma2\"}");

    Session.Outcome outcome = run("plan", "--model", config.toString());

    assertThat(outcome.code()).isEqualTo(4);
    assertThat(outcome.err()).contains("gemma2").doesNotContain("-auto");
  }

  @Test
  void aDamagedTargetIsAFailedCheckWithADocument() throws IOException {
    convert();
    Path weights = folder.resolve("moe/model.safetensors");
    byte[] bytes = Files.readAllBytes(weights);
    Files.write(weights, java.util.Arrays.copyOf(bytes, bytes.length - 5));

    Session.Outcome outcome = run("verify", DENSE, "moe", "--json");

    assertThat(outcome.code()).isEqualTo(5);
    JsonNode document = JsonMapper.shared().readTree(outcome.out());
    assertThat(document.get("passed").booleanValue()).isFalse();
    assertThat(document.get("failures").get(0).toString()).contains("model.safetensors");
  }

  @Test
  void aValueThatTheStoredTypeCannotHoldIsRefusedNamingItsTensor() throws IOException {
    Path dense = copyOf(FIXTURES + "mistral-plain");
    Path weights = dense.resolve("model.safetensors");
    byte[] bytes = Files.readAllBytes(weights);
    java.nio.ByteBuffer.wrap(bytes)
        .order(java.nio.ByteOrder.LITTLE_ENDIAN)
        .putShort(bytes.length - 2, MILLION_IN_BF16);
    Files.write(weights, bytes);

    Session.Outcome outcome =
        run("convert", "--model", dense.toString(), "--out", "moe", "--dtype", "f16");

    assertThat(outcome.code()).isEqualTo(4);
    assertThat(outcome.err()).contains(".weight: element").contains("999424", "bf16");
    assertThat(folder.resolve("moe")).doesNotExist();
  }

  private Path copyOf(String directory) throws IOException {
    Path copy = Files.createDirectory(folder.resolve("copied"));
    try (java.util.stream.Stream<Path> files = Files.list(Path.of(directory))) {
      for (Path file : files.toList()) {
        Files.copy(file, copy.resolve(file.getFileName()));
      }
    }
    return copy;
  }

  @Test
  void oneWeightsFileCanBeInspected() {
    Session.Outcome outcome = run("inspect", DENSE + "/model.safetensors");

    assertThat(outcome.code()).as(outcome.err()).isZero();
    assertThat(outcome.out()).contains("llama", "model.safetensors");
  }

  @Test
  void aDirectoryThatNoConversionMadeIsNotCheckedButRefused() {
    assertThat(run("verify", DENSE).code()).isEqualTo(4);
  }

  @Test
  void anArgumentWithAnAtSignIsNotExpanded() throws IOException {
    Files.writeString(folder.resolve("arguments"), "--json");

    Session.Outcome outcome = run("inspect", "@arguments");

    assertThat(outcome.code()).isEqualTo(4);
    assertThat(outcome.err()).contains("@arguments");
  }

  @Test
  void aFinishedOutputIsRefusedUnlessItIsToBeReplaced() throws IOException {
    convert();
    byte[] first = Files.readAllBytes(folder.resolve("moe/model.safetensors"));

    Session.Outcome refused = run("convert", "--model", DENSE, "--out", "moe");
    Session.Outcome replaced =
        run("convert", "--model", DENSE, "--out", "moe", "--overwrite", "--experts", "4");

    assertThat(refused.code()).isEqualTo(2);
    assertThat(refused.err()).contains("--overwrite");
    assertThat(replaced.code()).as(replaced.err()).isZero();
    assertThat(Files.readAllBytes(folder.resolve("moe/model.safetensors"))).isNotEqualTo(first);
  }

  @Test
  void aStrangerInTheOutputIsNamedAndKept() throws IOException {
    convert();
    Path notes = Files.writeString(folder.resolve("moe/notes.txt"), "mine");

    Session.Outcome outcome = run("convert", "--model", DENSE, "--out", "moe", "--overwrite");

    assertThat(outcome.code()).isEqualTo(2);
    assertThat(outcome.err()).contains("notes.txt");
    assertThat(notes).hasContent("mine");
  }

  @Test
  void verboseSaysWhichBuildRanAndHowLong() {
    assertThat(run("recipe", "ls", "-v").err()).contains("Java").contains("took");
    assertThat(run("recipe", "ls").err()).doesNotContain("took");
  }

  private void convert() {
    Session.Outcome outcome = run("convert", "--model", DENSE, "--out", "moe");
    assertThat(outcome.code()).as(outcome.err()).isZero();
  }

  private Session.Outcome run(String... arguments) {
    return Session.in(folder).run(List.of(arguments));
  }
}
