package dev.upcycle.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// What the command line makes of LibTorch: there, missing, or broken.
class BackendTest {
  private static final String NATIVES = ".*/pytorch-[^/]*-(linux|macosx)-[^/]*\\.jar";
  private static final String LIBRARY = ".*/pytorch-[^/]*\\.jar";

  @TempDir private Path folder;

  /// A run in a process of its own, without some of the class path.
  private Session.Outcome process(String leftOut, List<String> options, String... arguments)
      throws Exception {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("--enable-native-access=ALL-UNNAMED");
    command.addAll(options);
    command.add("-cp");
    command.add(
        Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
            .filter(entry -> !entry.matches(leftOut))
            .collect(Collectors.joining(File.pathSeparator)));
    command.add(Main.class.getName());
    command.addAll(List.of(arguments));
    Path err = folder.resolve("err");
    Process process =
        new ProcessBuilder(command).directory(folder.toFile()).redirectError(err.toFile()).start();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Session.Outcome(process.waitFor(), out, Files.readString(err));
  }

  /// Options of a JVM that can unpack natives nowhere.
  private List<String> nowhereToUnpack() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "");
    return List.of(
        "-Dorg.bytedeco.javacpp.cachedir=" + file.resolve("cache"),
        "-Duser.home=" + file,
        "-Djava.io.tmpdir=" + file);
  }

  private static JsonNode document(Session.Outcome outcome) {
    assertThat(outcome.code()).describedAs(outcome.err()).isZero();
    return JsonMapper.shared().readTree(outcome.out());
  }

  private JsonNode libTorch() {
    return document(Session.in(folder).run("doctor", "--json")).get("libtorch");
  }

  @Test
  void doctorLoadsLibTorchAndTellsHowItComputes() {
    JsonNode library = libTorch();

    assertThat(library.get("loads").asBoolean()).isTrue();
    assertThat(library.get("version").asString()).matches("\\d+\\.\\d+\\.\\d+.*");
    assertThat(library.get("threads").asInt()).isPositive();
    assertThat(library.get("cpu_capability").asString()).isNotBlank();
    assertThat(Session.in(folder).run("doctor").out())
        .containsPattern("LibTorch +\\d+\\.\\d+\\.\\d+\\S* loads: \\d+ threads")
        .containsPattern("(?m)^CUDA ");
  }

  @Test
  void doctorEndsWellWithoutNatives() throws Exception {
    JsonNode library = document(process(NATIVES, List.of(), "doctor", "--json")).get("libtorch");

    assertThat(library.get("present").asBoolean()).isFalse();
    assertThat(library.get("loads").asBoolean()).isFalse();
    assertThat(library.get("reason").asString()).startsWith("no natives for ");
  }

  @Test
  void doctorEndsWellWithoutTheLibrary() throws Exception {
    JsonNode library = document(process(LIBRARY, List.of(), "doctor", "--json")).get("libtorch");

    assertThat(library.get("reason").asString()).startsWith("left out of this distribution");
  }

  @Test
  void doctorSaysWhyNativesThatAreThereDoNotLoad() throws Exception {
    Session.Outcome json = process("-", nowhereToUnpack(), "doctor", "--json");

    JsonNode library = document(json).get("libtorch");
    assertThat(library.get("present").asBoolean()).isTrue();
    assertThat(library.get("loads").asBoolean()).isFalse();
    assertThat(library.get("reason").asString()).contains("org.bytedeco.javacpp.cachedir");
    assertThat(library.get("version").isNull()).isTrue();
    assertThat(process("-", nowhereToUnpack(), "doctor").out()).contains("does not load: ");
  }

  @Test
  void modelThatCannotBeRunForWantOfLibTorchExitsWithSixAndTheReason() throws Exception {
    Session.Outcome outcome = process(NATIVES, List.of(), "generate", ".", "--prompt", "a");

    assertThat(outcome.code()).isEqualTo(6);
    assertThat(outcome.err()).contains("LibTorch does not load: ").doesNotContain("\tat ");
  }

  @Test
  void deviceThatIsNotThereExitsWithSixAndTheReason() {
    Session.Outcome outcome =
        Session.in(folder).run("generate", ".", "--prompt", "a", "--device", "cuda:99");

    assertThat(outcome.code()).isEqualTo(6);
    assertThat(outcome.err()).contains("device 'cuda:99'");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "generate ./try/moe --prompt light --max-tokens 1",
        "eval ./try/moe --text ./text.txt --against ./try/dense",
        "route ./try/moe --text ./text.txt --dtype bf16",
        "verify ./try/dense ./try/moe --function"
      })
  void threadsGivenAreThoseThatLibTorchHas(String line) throws IOException {
    Files.writeString(folder.resolve("text.txt"), "The Rays of Light which fall upon a Prism.\n");
    Session session = Session.in(folder);
    assertThat(session.run("quickstart", "--out", "./try").code()).isZero();
    for (int threads : new int[] {1, 2, 1}) {
      List<String> words = ShellLine.split(line + " --threads " + threads);
      Session.Outcome outcome = session.run(words);

      assertThat(outcome.code()).describedAs(outcome.err()).isZero();
      assertThat(libTorch().get("threads").asInt()).isEqualTo(threads);
    }
  }

  @Test
  void noThreadsAreRefused() {
    Session.Outcome outcome =
        Session.in(folder).run("generate", ".", "--prompt", "a", "--threads", "0");

    assertThat(outcome.code()).isEqualTo(2);
    assertThat(outcome.err()).contains("--threads 0: expected at least 1");
  }
}
