package dev.upcycle.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.sample.SampleModel;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// What the commands that read and write text make of what users give them.
class TextCommandsTest {
  private static final String TEXT = "The Rays of Light are refracted by the Glass. ".repeat(6);

  @TempDir private Path folder;

  @BeforeEach
  void writeModel() throws IOException {
    SampleModel.writeTo(folder.resolve("dense"));
    Files.writeString(folder.resolve("text.txt"), TEXT);
  }

  private Session.Outcome run(String... arguments) {
    return Session.in(folder).run(arguments);
  }

  private JsonNode document(String... arguments) {
    Session.Outcome outcome = run(arguments);
    assertThat(outcome.code()).as(outcome.err()).isZero();
    return JsonMapper.shared().readTree(outcome.out());
  }

  private void config(String key, String value) throws IOException {
    Path file = folder.resolve("dense/config.json");
    String before = Files.readString(file);
    String after = before.replaceFirst("(\"" + key + "\": *)[^,\\n]+", "$1" + value);
    assertThat(after).isNotEqualTo(before);
    Files.writeString(file, after);
  }

  /// Fills a tensor with NaN, whatever its type of floats.
  private void spoil(String tensor) throws IOException {
    Path file = folder.resolve("dense/model.safetensors");
    byte[] bytes = Files.readAllBytes(file);
    int header = Math.toIntExact(ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong(0));
    JsonNode offsets =
        JsonMapper.shared()
            .readTree(new String(bytes, 8, header, StandardCharsets.UTF_8))
            .get(tensor)
            .get("data_offsets");
    int data = 8 + header;
    Arrays.fill(
        bytes, data + offsets.get(0).intValue(), data + offsets.get(1).intValue(), (byte) 0xFF);
    Files.write(file, bytes);
  }

  @Test
  void textAfterAPromptOfLongCharactersIsThatOfItsTokens() {
    JsonNode document = document("generate", "dense", "--prompt", "日本語 😀 é", "-n", "8", "--json");

    String ascii =
        document.get("tokens").values().stream()
            .map(id -> Character.toString(id.intValue()))
            .collect(Collectors.joining());
    assertThat(document.get("text").stringValue()).isEqualTo(ascii).matches("\\p{ASCII}{8}");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "generate dense --prompt x -n 3",
        "generate dense --prompt x -n 3 --seed 3",
        "eval dense --text text.txt",
        "eval dense --text text.txt --against dense --json"
      })
  void modelOfWeightsThatAreNotFiniteIsAtFault(String line) throws IOException {
    spoil("model.layers.1.mlp.down_proj.weight");

    Session.Outcome outcome = Session.in(folder).run(ShellLine.split(line));

    assertThat(outcome.code()).isEqualTo(4);
    assertThat(outcome.out()).doesNotContain("NaN");
    assertThat(outcome.err())
        .contains(folder.resolve("dense") + ": ", "token ", "NaN")
        .doesNotContain("fault of this program");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "calibrate dense --kind centroid --experts 2 --text text.txt --out routers.safetensors",
        "calibrate dense --text text.txt text.txt --out routers.safetensors"
      })
  void routersOfWeightsThatAreNotFiniteAreRefused(String line) throws IOException {
    spoil("model.layers.1.mlp.down_proj.weight");

    Session.Outcome outcome = Session.in(folder).run(ShellLine.split(line));

    assertThat(outcome.code()).isEqualTo(4);
    assertThat(outcome.err()).contains("layer 2", "NaN").doesNotContain("fault of this program");
    assertThat(folder.resolve("routers.safetensors")).doesNotExist();
  }

  @ParameterizedTest
  @CsvSource({
    "rms_norm_eps, -1, rms_norm_eps is -1",
    "hidden_act, '\"blah\"', 'hidden_act is \"blah\"'",
    "num_attention_heads, 3, of a mistral: num_attention_heads"
  })
  void badValueOfAConfigIsToldWithItsFile(String key, String value, String told)
      throws IOException {
    config(key, value);

    Session.Outcome outcome = run("generate", "dense", "--prompt", "x", "-n", "2");

    assertThat(outcome.code()).isEqualTo(4);
    assertThat(outcome.err()).contains(folder.resolve("dense/config.json").toString(), told);
  }

  @Test
  void ofManyTensorsWithoutAPlaceTheFirstAreNamedAndTheOthersCounted() throws IOException {
    config("num_hidden_layers", "3");

    Session.Outcome outcome = run("generate", "dense", "--prompt", "x");

    assertThat(outcome.code()).isEqualTo(4);
    assertThat(outcome.err()).contains("layers.3.").containsPattern("and \\d+ tensors more");
  }

  @ParameterizedTest
  @ValueSource(strings = {"tpu", "cuda:x", "cuda:-1", ""})
  void deviceOfAnotherKindIsWrongUsage(String device) {
    Session.Outcome outcome = run("eval", "dense", "--text", "text.txt", "--device", device);

    assertThat(outcome.code()).isEqualTo(2);
    assertThat(outcome.err()).contains("--device " + device, "auto, cpu or cuda[:INDEX]");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "eval dense --text text.txt -j 99999",
        "convert --model dense --out x --experts 4 -j 99999"
      })
  void threadsBeyondReasonAreRefused(String line) {
    Session.Outcome outcome = Session.in(folder).run(ShellLine.split(line));

    assertThat(outcome.code()).isEqualTo(2);
    assertThat(outcome.err()).contains("--threads 99999: expected at most ");
  }

  @Test
  void contextBeyondWhatAModelWasMadeForIsWarnedOf() {
    Session.Outcome outcome = run("eval", "dense", "--text", "text.txt", "--context", "300");

    assertThat(outcome.code()).isZero();
    assertThat(outcome.err()).contains("warning: --context: 300 tokens", "made for 256");
    assertThat(run("eval", "dense", "--text", "text.txt", "--context", "256").err())
        .doesNotContain("warning");
  }

  @Test
  void promptBeyondWhatAModelWasMadeForIsWarnedOf() {
    String warned = run("generate", "dense", "--prompt", TEXT, "-n", "1").err();

    assertThat(warned).contains("warning: --prompt: ", "made for 256");
  }

  @Test
  void textThatGrowsBeyondWhatAModelWasMadeForIsWarnedOf() {
    String prompt = TEXT.substring(0, 254);

    assertThat(run("generate", "dense", "--prompt", prompt, "-n", "3", "--ignore-eos").err())
        .contains("warning: prompt and text: 258 tokens, and the model was made for 256");
    assertThat(run("generate", "dense", "--prompt", prompt, "-n", "1", "--ignore-eos").err())
        .doesNotContain("warning");
  }

  @Test
  void tokensThatAStrideLeavesOutAreTold() {
    String note = "tokens are not scored";

    assertThat(
            run("eval", "dense", "--text", "text.txt", "--context", "64", "--stride", "64").err())
        .contains(note);
    assertThat(
            run("eval", "dense", "--text", "text.txt", "--context", "64", "--stride", "63").err())
        .doesNotContain(note);
  }

  @Test
  void textThatIsEmptyIsAtFault() throws IOException {
    Files.writeString(folder.resolve("empty.txt"), "");

    Session.Outcome outcome = run("eval", "dense", "--text", "empty.txt");

    assertThat(outcome.code()).isEqualTo(4);
    assertThat(outcome.err()).contains("empty.txt: too short");
  }

  @Test
  void folderInPlaceOfATextIsToldWithoutTheNameOfAClass() {
    Session.Outcome outcome = run("eval", "dense", "--text", "dense");

    assertThat(outcome.code()).isEqualTo(4);
    assertThat(outcome.err()).contains("dense: a directory").doesNotContain("java.");
  }

  @Test
  void byteOrderMarkIsNoPartOfAText() throws IOException {
    Files.writeString(folder.resolve("marked.txt"), "\uFEFF" + TEXT);

    assertThat(document("eval", "dense", "--text", "marked.txt", "--json").get("tokens"))
        .isEqualTo(document("eval", "dense", "--text", "text.txt", "--json").get("tokens"));
  }

  @ParameterizedTest
  @CsvSource({
    "--context 1, --context 1: expected at least 2",
    "--context -3, --context -3: expected at least 2",
    "--stride 100000, '--stride 100000: expected 1 to the context, 256'",
    "--stride 0, '--stride 0: expected 1 to the context, 256'"
  })
  void refusalNamesTheOptionThatWasGiven(String options, String told) {
    Session.Outcome outcome =
        Session.in(folder).run(ShellLine.split("eval dense --text text.txt " + options));

    assertThat(outcome.code()).isEqualTo(2);
    assertThat(outcome.err()).contains(told);
  }

  @Test
  void textThatEndsAtOnceIsTold() throws IOException {
    String every =
        IntStream.range(0, 259).mapToObj(String::valueOf).collect(Collectors.joining(","));
    Files.writeString(
        folder.resolve("dense/generation_config.json"), "{\"eos_token_id\": [" + every + "]}");

    assertThat(run("generate", "dense", "--prompt", "x").err()).contains("ended it at once");
    assertThat(run("generate", "dense", "--prompt", "x", "-n", "1", "--ignore-eos").err())
        .doesNotContain("ended it at once");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", " --overwrite"})
  void pageNeverReplacesAFileThatIsNone(String overwrite) throws IOException {
    byte[] before = Files.readAllBytes(folder.resolve("dense/config.json"));
    String line = "route dense --prompt x --html dense/config.json" + overwrite;

    Session.Outcome outcome = Session.in(folder).run(ShellLine.split(line));

    assertThat(outcome.code()).isEqualTo(2);
    assertThat(outcome.err()).contains("config.json");
    assertThat(folder.resolve("dense/config.json")).hasBinaryContent(before);
  }

  @Test
  void pageIsReplacedWhereThatIsAskedFor() {
    String[] line = {"route", "dense", "--prompt", "x", "--html", "page.html"};

    assertThat(run(line).code()).isZero();
    assertThat(run(line).code()).isEqualTo(2);
    assertThat(run("route", "dense", "--prompt", "x", "--html", "page.html", "--overwrite").code())
        .isZero();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "route dense --prompt x --html nowhere/page.html",
        "calibrate dense --text text.txt text.txt --out nowhere/routers.safetensors"
      })
  void outputInAFolderThatIsNotThereIsWrongUsage(String line) {
    Session.Outcome outcome = Session.in(folder).run(ShellLine.split(line));

    assertThat(outcome.code()).isEqualTo(2);
    assertThat(outcome.err()).contains("its folder does not exist").doesNotContain("java.");
  }

  @Test
  void interruptedTextIsNotSaidToGoOn() {
    Thread.currentThread().interrupt();
    Session.Outcome outcome;
    try {
      outcome = run("generate", "dense", "--prompt", "x");
    } finally {
      Thread.interrupted();
    }

    assertThat(outcome.code()).isEqualTo(130);
    assertThat(outcome.err()).contains("start again: the same command").doesNotContain("resume");
  }

  @Test
  void headsThatDoNotDivideAreToldByTheirKind() {
    assertThat(run("bench", "step", "--heads", "7").err())
        .contains("7 heads do not divide a hidden size of 512")
        .doesNotContain("keys");
    assertThat(run("bench", "step", "--heads", "8", "--kv-heads", "3").err())
        .contains("3 heads of keys and values do not divide 8 heads");
  }
}
