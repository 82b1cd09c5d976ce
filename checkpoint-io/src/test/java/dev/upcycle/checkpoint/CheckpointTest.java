package dev.upcycle.checkpoint;

import static dev.upcycle.checkpoint.CheckpointDirectory.FIRST;
import static dev.upcycle.checkpoint.CheckpointDirectory.INDEX;
import static dev.upcycle.checkpoint.CheckpointDirectory.SECOND;
import static dev.upcycle.checkpoint.CheckpointDirectory.SINGLE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.fixtures.SafetensorsBytes;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CheckpointTest {
  @TempDir Path folder;

  private static CheckpointFault fault(Throwable thrown) {
    return ((CheckpointFormatException) thrown).fault();
  }

  @Test
  void singleFileOpens() {
    CheckpointDirectory.single(folder);
    Checkpoint checkpoint = Checkpoint.open(folder);
    assertThat(checkpoint.directory()).isEqualTo(folder);
    assertThat(checkpoint.config().modelType()).isEqualTo("mistral");
    assertThat(checkpoint.tensors()).containsOnlyKeys("w");
    assertThat(checkpoint.files())
        .extracting(SourceFile::path)
        .containsExactly(folder.resolve(SINGLE));
    assertThat(checkpoint.notes()).isEmpty();
  }

  @Test
  void shardsOpenInTheOrderOfTheirNames() {
    CheckpointDirectory.shards(folder).index(Map.of("b", SECOND, "a", FIRST));
    Checkpoint checkpoint = Checkpoint.open(folder);
    assertThat(checkpoint.tensors().sequencedKeySet()).containsExactly("a", "b");
    assertThat(checkpoint.require("b").file()).isEqualTo(folder.resolve(SECOND));
  }

  @Test
  void indexThatNamesTheSingleFileIsFollowed() {
    CheckpointDirectory.single(folder).index(Map.of("w", SINGLE));
    assertThat(Checkpoint.open(folder).tensors()).containsOnlyKeys("w");
  }

  @Test
  void linksOfTheHubsCacheAreFollowed() throws IOException {
    Path blobs = Files.createDirectories(folder.resolve("blobs"));
    Path snapshot = Files.createDirectories(folder.resolve("snapshots/abc"));
    CheckpointDirectory.shards(blobs).index(Map.of("a", FIRST, "b", SECOND));
    for (String name : new String[] {FIRST, SECOND, INDEX, "config.json"}) {
      Files.createSymbolicLink(snapshot.resolve(name), Path.of("../../blobs", name));
    }
    assertThat(Checkpoint.open(snapshot).tensors()).containsOnlyKeys("a", "b");
  }

  @Test
  void perExpertAndFusedExpertsReadAsTensors() {
    CheckpointDirectory.configured(folder)
        .weights(
            SINGLE,
            "model.layers.0.block_sparse_moe.experts.0.w1.weight",
            "model.layers.1.mlp.experts.gate_up_proj");
    assertThat(Checkpoint.open(folder).tensors()).hasSize(2);
  }

  @Test
  void consolidatedFileBesideAnIndexIsPassedOverWithANote() {
    CheckpointDirectory.shards(folder)
        .index(Map.of("a", FIRST, "b", SECOND))
        .weights("consolidated.safetensors", "x");
    Checkpoint checkpoint = Checkpoint.open(folder);
    assertThat(checkpoint.tensors()).containsOnlyKeys("a", "b");
    assertThat(checkpoint.notes())
        .singleElement()
        .asString()
        .contains("consolidated.safetensors", "Mistral's own layout");
  }

  @Test
  void strayShardBesideAnIndexIsPassedOverWithANote() {
    CheckpointDirectory.shards(folder)
        .index(Map.of("a", FIRST, "b", SECOND))
        .weights("model-00003-of-00003.safetensors", "x");
    assertThat(Checkpoint.open(folder).notes())
        .singleElement()
        .asString()
        .contains("model-00003-of-00003.safetensors", INDEX);
  }

  @Test
  void companionsAreTokenizerTemplatesAndLicencesOnly() {
    CheckpointDirectory directory = CheckpointDirectory.single(folder);
    String[] carried = {
      "LICENSE",
      "LICENSE.txt",
      "NOTICE",
      "added_tokens.json",
      "chat_template.jinja",
      "generation_config.json",
      "merges.txt",
      "preprocessor_config.json",
      "processor_config.json",
      "special_tokens_map.json",
      "tokenizer.json",
      "tokenizer.model",
      "tokenizer_config.json",
      "vocab.json"
    };
    String[] left = {"README.md", "optimizer.pt", "model.gguf", "pytorch_model.bin", "train.json"};
    for (String name : carried) {
      directory.text(name, "{}");
    }
    for (String name : left) {
      directory.text(name, "{}");
    }
    assertThat(Checkpoint.open(folder).companions())
        .extracting(path -> folder.relativize(path).toString())
        .containsExactly(carried);
  }

  @Test
  void companionThatLeadsOutOfTheModelIsRefused() throws IOException {
    Path model = Files.createDirectory(folder.resolve("model"));
    Path secret = Files.writeString(folder.resolve("secret.txt"), "secret");
    Files.createSymbolicLink(model.resolve("LICENSE.txt"), Path.of("../secret.txt"));
    assertThat(
            CheckpointDirectory.single(model).refusal(CheckpointFault.COMPANION_OUTSIDE_DIRECTORY))
        .hasMessageContaining("LICENSE.txt")
        .hasMessageContaining(secret.toRealPath().toString());
  }

  @Test
  void companionLinksWithinTheModelAndToTheCachesBlobsAreCarried() throws IOException {
    Path blob = Files.createDirectories(folder.resolve("blobs")).resolve("0abc");
    Files.writeString(blob, "{}");
    Path snapshot = Files.createDirectories(folder.resolve("snapshots/main"));
    CheckpointDirectory.single(snapshot).text("LICENSE", "free");
    Files.createSymbolicLink(snapshot.resolve("tokenizer.json"), Path.of("../../blobs/0abc"));
    Files.createSymbolicLink(snapshot.resolve("LICENSE.txt"), Path.of("LICENSE"));
    assertThat(Checkpoint.open(snapshot).companions())
        .extracting(path -> String.valueOf(path.getFileName()))
        .containsExactly("LICENSE", "LICENSE.txt", "tokenizer.json");
  }

  @Test
  void hugeCompanionIsRefusedUnread() throws IOException {
    Path file = CheckpointDirectory.single(folder).path().resolve("tokenizer.json");
    try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
      sparse.setLength(100_000_001);
    }
    assertThat(new CheckpointDirectory(folder).refusal(CheckpointFault.COMPANION_TOO_LARGE))
        .hasMessageContaining("100,000,001");
  }

  @Test
  void companionThatIsAGitLfsPointerIsRefused() {
    CheckpointDirectory.single(folder)
        .text("tokenizer.model", "version https://git-lfs.github.com/spec/v1\n")
        .refusal(CheckpointFault.GIT_LFS_POINTER);
  }

  @Test
  void dtypeThatNamesNoTypeIsNoted() {
    CheckpointDirectory.single(folder).text("config.json", "{\"torch_dtype\": \"auto\"}");
    assertThat(Checkpoint.open(folder).notes())
        .containsExactly(
            "config.json: 'torch_dtype' is \"auto\", which names no type of weights;"
                + " the weights' own type counts");
  }

  @Test
  void additionalChatTemplatesArePassedOverWithANote() {
    CheckpointDirectory.single(folder).text("additional_chat_templates/tool.jinja", "");
    assertThat(Checkpoint.open(folder).notes())
        .singleElement()
        .asString()
        .contains("additional_chat_templates");
  }

  @Test
  void tokenizerThatOnlyTransformers5LoadsIsNotedWithTheRemedy() {
    CheckpointDirectory.single(folder)
        .text("tokenizer_config.json", "{\"tokenizer_class\": \"TokenizersBackend\"}");
    assertThat(Checkpoint.open(folder).notes())
        .singleElement()
        .asString()
        .contains("TokenizersBackend", "4.57", "PreTrainedTokenizerFast");
  }

  @ParameterizedTest
  @ValueSource(strings = {"{\"tokenizer_class\": \"LlamaTokenizer\"}", "{}", "[]", "{"})
  void otherTokenizersNeedNoNote(String config) {
    CheckpointDirectory.single(folder).text("tokenizer_config.json", config);
    assertThat(Checkpoint.open(folder).notes()).isEmpty();
  }

  @Test
  void tensorsAreFoundOrMissedByName() {
    CheckpointDirectory.configured(folder)
        .weights(SINGLE, "model.layers.0.mlp.up_proj.weight", "model.norm.weight");
    Checkpoint checkpoint = Checkpoint.open(folder);
    assertThat(checkpoint.find("model.norm.weight")).isPresent();
    assertThat(checkpoint.find("model.norm.bias")).isEmpty();
    assertThatThrownBy(() -> checkpoint.require("model.layers.0.mlp.gate_proj.weight"))
        .satisfies(e -> assertThat(fault(e)).isEqualTo(CheckpointFault.NO_SUCH_TENSOR))
        .hasMessageContaining("the nearest names are 'model.layers.0.mlp.up_proj.weight'");
  }

  @Test
  void tensorIsMappedWhereItLies() {
    CheckpointDirectory.configured(folder);
    byte[] data = {1, 2, 3, 4, 5};
    SafetensorsBytes.of(
            "{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},\"b\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[2,5]},\"c\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[5,5]}}")
        .withData(data)
        .write(folder.resolve(SINGLE));
    Checkpoint checkpoint = Checkpoint.open(folder);
    try (Arena arena = Arena.ofConfined()) {
      assertThat(checkpoint.map(checkpoint.require("b"), arena).toArray(ValueLayout.JAVA_BYTE))
          .containsExactly(3, 4, 5);
      assertThat(checkpoint.map(checkpoint.require("c"), arena).byteSize()).isZero();
      assertThat(checkpoint.map(checkpoint.require("b"), arena).isReadOnly()).isTrue();
    }
  }

  @Test
  void fileThatBecameShorterIsNotMapped() throws IOException {
    CheckpointDirectory.single(folder);
    Checkpoint checkpoint = Checkpoint.open(folder);
    Files.write(folder.resolve(SINGLE), new byte[8]);
    try (Arena arena = Arena.ofConfined()) {
      assertThatThrownBy(() -> checkpoint.map(checkpoint.require("w"), arena))
          .satisfies(e -> assertThat(fault(e)).isEqualTo(CheckpointFault.DATA_TOO_SHORT));
    }
  }

  @Test
  void fileAloneOpensWithoutAConfig() {
    Path file =
        new CheckpointDirectory(folder)
            .weights("some.safetensors", "w")
            .path()
            .resolve("some.safetensors");
    Checkpoint checkpoint = Checkpoint.openFile(file);
    assertThat(checkpoint.tensors()).containsOnlyKeys("w");
    assertThat(checkpoint.findConfig()).isEmpty();
    assertThatThrownBy(checkpoint::config)
        .satisfies(e -> assertThat(fault(e)).isEqualTo(CheckpointFault.MISSING_CONFIG));
  }

  @Test
  void fileAloneOpensWithTheConfigBesideIt() {
    CheckpointDirectory.single(folder);
    assertThat(Checkpoint.openFile(folder.resolve(SINGLE)).config().modelType())
        .isEqualTo("mistral");
  }
}
