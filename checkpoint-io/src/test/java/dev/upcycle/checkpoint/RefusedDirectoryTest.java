package dev.upcycle.checkpoint;

import static dev.upcycle.checkpoint.CheckpointDirectory.FIRST;
import static dev.upcycle.checkpoint.CheckpointDirectory.INDEX;
import static dev.upcycle.checkpoint.CheckpointDirectory.SECOND;
import static dev.upcycle.checkpoint.CheckpointDirectory.SINGLE;
import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import dev.upcycle.fixtures.SafetensorsBytes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// What looks like a model's directory and is none, or not a whole one.
class RefusedDirectoryTest {
  @TempDir Path folder;

  @Test
  void missingDirectoryIsNamed() {
    new CheckpointDirectory(folder.resolve("gone")).refusal(CheckpointFault.NO_SUCH_PATH);
  }

  @Test
  void fileInPlaceOfADirectoryNamesItsDirectory() {
    Path file = CheckpointDirectory.single(folder).path().resolve("config.json");
    assertThat(new CheckpointDirectory(file).refusal(CheckpointFault.NOT_A_DIRECTORY))
        .hasMessageContaining("name its directory, " + folder);
  }

  @ParameterizedTest
  @ValueSource(strings = {SINGLE, "config.json"})
  void pipeInPlaceOfAFileIsRefusedWithoutWaiting(String name) throws Exception {
    CheckpointDirectory directory = CheckpointDirectory.single(folder);
    Path pipe = folder.resolve(name);
    Files.delete(pipe);
    assertThat(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor()).isZero();
    assertTimeoutPreemptively(
        Duration.ofMinutes(1), () -> directory.refusal(CheckpointFault.NOT_A_REGULAR_FILE));
  }

  @Test
  void emptyDirectoryHasNoWeights() {
    assertThat(new CheckpointDirectory(folder).refusal(CheckpointFault.NO_WEIGHTS))
        .hasMessageContaining("found nothing");
  }

  @Test
  void missingConfigIsNamed() {
    new CheckpointDirectory(folder).weights(SINGLE, "w").refusal(CheckpointFault.MISSING_CONFIG);
  }

  @ParameterizedTest
  @CsvSource({
    "weights.pth, UNNAMED_TORCH_WEIGHTS, name the file itself",
    "pytorch_model-00001-of-00002.bin, SHARDS_WITHOUT_INDEX, download the index",
    "model-q4.gguf, GGUF_WEIGHTS, gguf_file",
    "consolidated.safetensors, CONSOLIDATED_WEIGHTS, transformers layout",
    "consolidated.00.pth, CONSOLIDATED_WEIGHTS, transformers layout",
    "model-00001-of-00002.safetensors, SHARDS_WITHOUT_INDEX, download the index",
    "model.fp16.safetensors, SHARDS_WITHOUT_INDEX, rename a single file"
  })
  void otherWeightsAloneAreNamedWithTheWayOut(String file, CheckpointFault fault, String wayOut) {
    assertThat(CheckpointDirectory.configured(folder).text(file, "x").refusal(fault))
        .hasMessageContaining(file)
        .hasMessageContaining(wayOut);
  }

  @Test
  void singleFileBesideAnIndexOfOthersIsRefused() {
    assertThat(
            CheckpointDirectory.shards(folder)
                .index(Map.of("a", FIRST, "b", SECOND))
                .weights(SINGLE, "w")
                .refusal(CheckpointFault.SINGLE_FILE_AND_INDEX))
        .hasMessageContaining("move one of them away");
  }

  @ParameterizedTest
  @ValueSource(strings = {"adapter_config.json", "adapter_model.safetensors"})
  void adapterIsRefused(String file) {
    assertThat(
            CheckpointDirectory.single(folder)
                .text(file, "{}")
                .refusal(CheckpointFault.PEFT_ADAPTER))
        .hasMessageContaining("merge_and_unload");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"model.safetensors.incomplete", ".cache/huggingface/download/abc.def.incomplete"})
  void halfDownloadIsRefused(String file) {
    assertThat(
            CheckpointDirectory.single(folder)
                .text(file, "x")
                .refusal(CheckpointFault.HALF_DOWNLOAD))
        .hasMessageContaining(file);
  }

  @Test
  void jsonThatIsNotUtf8IsRefused() throws IOException {
    String json = "{\"metadata\": {\"\u00ff!a\": 1}, \"weight_map\": {}}";
    CheckpointDirectory.shards(folder);
    Files.write(folder.resolve(INDEX), json.getBytes(ISO_8859_1));
    assertThat(new CheckpointDirectory(folder).refusal(CheckpointFault.BAD_INDEX))
        .hasMessageContaining("byte 15 begins no character of UTF-8");
  }

  @Test
  void aShardThatNoFileCanBeCalledIsRefused() {
    assertThat(
            CheckpointDirectory.shards(folder)
                .text(INDEX, "{\"weight_map\": {\"a\": \"\\ud800.safetensors\"}}")
                .refusal(CheckpointFault.BAD_INDEX))
        .hasMessageContaining("no file can have here");
  }

  @Test
  void jsonThatEndsEarlyIsToldInWordsForUsers() {
    assertThat(
            CheckpointDirectory.single(folder)
                .text("config.json", "{\"hidden_size\": 8")
                .refusal(CheckpointFault.BAD_CONFIG))
        .hasMessageContaining("expected close marker for Object), expected one object");
  }

  @ParameterizedTest
  @ValueSource(strings = {SINGLE, INDEX, "config.json"})
  void gitLfsPointerIsRefused(String file) throws IOException {
    CheckpointDirectory directory = CheckpointDirectory.single(folder);
    if (file.equals(INDEX)) {
      Files.delete(folder.resolve(SINGLE));
    }
    directory
        .text(file, "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
        .refusal(CheckpointFault.GIT_LFS_POINTER);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "../evil.safetensors",
        "/etc/evil.safetensors",
        "..",
        "",
        "sub/x.safetensors",
        "..\\\\evil.safetensors",
        "C:evil.safetensors",
        "a\\u0000b"
      })
  void indexEntryThatLeavesTheDirectoryIsRefused(String shard) {
    assertThat(
            CheckpointDirectory.shards(folder)
                .index(Map.of("a", FIRST, "b", shard))
                .refusal(CheckpointFault.SHARD_OUTSIDE_DIRECTORY))
        .hasMessageContaining("'b'");
  }

  @Test
  void missingShardsAreNamedAllAtOnce() {
    assertThat(
            CheckpointDirectory.configured(folder)
                .index(Map.of("a", FIRST, "b", SECOND))
                .refusal(CheckpointFault.MISSING_SHARD))
        .hasMessageContaining(FIRST)
        .hasMessageContaining(SECOND);
  }

  @Test
  void tensorInTheIndexButNotInItsShardIsRefused() {
    assertThat(
            CheckpointDirectory.shards(folder)
                .index(Map.of("a", FIRST, "b", SECOND, "c", SECOND))
                .refusal(CheckpointFault.TENSOR_NOT_IN_SHARD))
        .hasMessageContaining("'c' is not in " + SECOND);
  }

  @Test
  void tensorInAnotherShardThanTheIndexSaysIsRefused() {
    assertThat(
            CheckpointDirectory.configured(folder)
                .weights(FIRST, "a", "c")
                .weights(SECOND, "b")
                .index(Map.of("a", FIRST, "b", SECOND, "c", SECOND))
                .refusal(CheckpointFault.TENSOR_NOT_IN_SHARD))
        .hasMessageContaining("'c' is not in " + SECOND + " but in " + FIRST);
  }

  @Test
  void tensorInAShardButNotInTheIndexIsRefused() {
    assertThat(
            CheckpointDirectory.configured(folder)
                .weights(FIRST, "a", "c")
                .weights(SECOND, "b")
                .index(Map.of("a", FIRST, "b", SECOND))
                .refusal(CheckpointFault.TENSOR_NOT_IN_INDEX))
        .hasMessageContaining("'c' in " + FIRST);
  }

  @Test
  void tensorInTwoShardsIsRefused() {
    assertThat(
            CheckpointDirectory.configured(folder)
                .weights(FIRST, "a")
                .weights(SECOND, "a", "b")
                .index(Map.of("a", FIRST, "b", SECOND))
                .refusal(CheckpointFault.TENSOR_IN_TWO_SHARDS))
        .hasMessageContaining("'a'")
        .hasMessageContaining(FIRST)
        .hasMessageContaining(SECOND);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{}",
        "[]",
        "{",
        "{\"weight_map\": 3}",
        "{\"weight_map\": {}}",
        "{\"weight_map\": {\"a\": 3}}",
        "{\"weight_map\": {\"a\": \"x\", \"a\": \"y\"}}"
      })
  void indexThatIsNoneIsRefused(String json) {
    CheckpointDirectory.shards(folder).text(INDEX, json).refusal(CheckpointFault.BAD_INDEX);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{\"quant_method\": \"gptq\", \"bits\": 4} | QUANTISED_GPTQ | GPTQ",
        "{\"quant_method\": \"awq\"} | QUANTISED_AWQ | AWQ",
        "{\"quant_method\": \"fp8\"} | QUANTISED_FP8 | FP8",
        "{\"quant_method\": \"fbgemm_fp8\"} | QUANTISED_FP8 | FP8",
        "{\"quant_method\": \"bitsandbytes\"} | QUANTISED_BITSANDBYTES | bitsandbytes",
        "{\"load_in_4bit\": true} | QUANTISED_BITSANDBYTES | bitsandbytes",
        "{\"quant_method\": \"compressed-tensors\"} | QUANTISED_COMPRESSED_TENSORS | run_compressed",
        "{\"quant_method\": \"mxfp4\"} | QUANTISED_OTHER | mxfp4",
        "{} | QUANTISED_OTHER | no method named"
      })
  void quantisationInTheConfigIsRefused(String stated, CheckpointFault fault, String named) {
    String config = "{\"model_type\": \"mistral\", \"quantization_config\": " + stated + "}";
    assertThat(CheckpointDirectory.single(folder).text("config.json", config).refusal(fault))
        .hasMessageContaining(named)
        .hasMessageContaining("use the");
  }

  @Test
  void quantisationInANestedConfigIsRefused() {
    CheckpointDirectory.single(folder)
        .text(
            "config.json",
            "{\"text_config\": {\"quantization_config\": {\"quant_method\": \"gptq\"}}}")
        .refusal(CheckpointFault.QUANTISED_GPTQ);
  }

  @Test
  void nullQuantisationIsNone() {
    CheckpointDirectory.single(folder).text("config.json", "{\"quantization_config\": null}");
    assertThat(Checkpoint.open(folder).tensors()).hasSize(1);
  }

  @ParameterizedTest
  @CsvSource({"quantize_config.json, QUANTISED_GPTQ", "quant_config.json, QUANTISED_AWQ"})
  void configOfTheQuantisingToolIsRefused(String file, CheckpointFault fault) {
    CheckpointDirectory.single(folder).text(file, "{}").refusal(fault);
  }

  @ParameterizedTest
  @CsvSource({
    "q_proj.qweight, q_proj.g_idx, QUANTISED_GPTQ",
    "q_proj.qweight, q_proj.qzeros, QUANTISED_AWQ",
    "q_proj.weight, q_proj.weight_scale_inv, QUANTISED_FP8",
    "q_proj.weight, q_proj.weight.absmax, QUANTISED_BITSANDBYTES",
    "q_proj.weight, q_proj.weight.quant_state.bitsandbytes__nf4, QUANTISED_BITSANDBYTES",
    "q_proj.weight, q_proj.SCB, QUANTISED_BITSANDBYTES",
    "q_proj.weight_packed, q_proj.weight_scale, QUANTISED_COMPRESSED_TENSORS",
    "mlp.experts.gate_up_proj_blocks, mlp.experts.gate_up_proj_scales, QUANTISED_OTHER"
  })
  void tensorsOfAQuantisedFormAreRefusedWhenTheConfigIsSilent(
      String first, String second, CheckpointFault fault) {
    assertThat(CheckpointDirectory.configured(folder).weights(SINGLE, first, second).refusal(fault))
        .hasMessageContaining("q_proj".equals(first.substring(0, 6)) ? "q_proj" : "gate_up_proj");
  }

  @ParameterizedTest
  @CsvSource({
    "F8_E4M3, QUANTISED_FP8",
    "F8_E5M2, QUANTISED_FP8",
    "F8_E8M0, QUANTISED_OTHER",
    "F4, QUANTISED_OTHER"
  })
  void dtypeOfAQuantisedFormIsRefusedWhenTheConfigIsSilent(String dtype, CheckpointFault fault) {
    CheckpointDirectory directory = CheckpointDirectory.configured(folder);
    SafetensorsBytes.tensor("w", dtype, "[2]", dtype.equals("F4") ? 1 : 2)
        .write(folder.resolve(SINGLE));
    assertThat(directory.refusal(fault)).hasMessageContaining("'w' of " + dtype);
  }

  @Test
  void quantisedFileAloneIsRefusedToo() {
    new CheckpointDirectory(folder).weights("x.safetensors", "q.qweight", "q.g_idx");
    assertThatThrownBy(() -> Checkpoint.openFile(folder.resolve("x.safetensors")))
        .isInstanceOfSatisfying(
            CheckpointFormatException.class,
            e -> assertThat(e.fault()).isEqualTo(CheckpointFault.QUANTISED_GPTQ));
  }

  @Test
  void snapshotWithoutWeightsBesideAnUnfinishedBlobIsAHalfDownload() throws IOException {
    Path snapshot = Files.createDirectories(folder.resolve("snapshots/abc"));
    CheckpointDirectory model =
        CheckpointDirectory.configured(snapshot).text("../../blobs/0f.incomplete", "x");
    assertThat(model.refusal(CheckpointFault.HALF_DOWNLOAD)).hasMessageContaining("0f.incomplete");
    model.weights(SINGLE, "w");
    assertThat(Checkpoint.open(snapshot).tensors()).hasSize(1);
  }
}
