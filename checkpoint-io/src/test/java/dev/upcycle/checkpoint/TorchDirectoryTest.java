package dev.upcycle.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.fixtures.TorchArchiveBytes;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Which torch archives of a directory are its weights.
class TorchDirectoryTest {
  private static final String SINGLE = "pytorch_model.bin";
  private static final String INDEX = "pytorch_model.bin.index.json";
  private static final String FIRST = "pytorch_model-00001-of-00002.bin";
  private static final String SECOND = "pytorch_model-00002-of-00002.bin";

  @TempDir Path folder;
  private CheckpointDirectory directory = new CheckpointDirectory(Path.of(""));

  @BeforeEach
  void configure() {
    directory = CheckpointDirectory.configured(folder);
  }

  private void archive(String file, String tensor) {
    new TorchArchiveBytes().with(tensor, "Float", new byte[8], 2).write(folder.resolve(file));
  }

  private void index(String a, String b) {
    directory.text(
        INDEX,
        "{\"metadata\": {}, \"weight_map\": {\"a\": \"%s\", \"b\": \"%s\"}}".formatted(a, b));
  }

  @ParameterizedTest
  @ValueSource(strings = {SINGLE, "clip.bin", "mm_projector.bin"})
  void archiveOfAUsualNameIsTheModel(String name) {
    archive(name, "w");
    Checkpoint checkpoint = Checkpoint.open(folder);
    assertThat(checkpoint.tensors()).containsOnlyKeys("w");
    assertThat(checkpoint.require("w").shape()).isEqualTo(Shape.of(2));
    assertThat(checkpoint.files())
        .extracting(SourceFile::path)
        .containsExactly(folder.resolve(name));
  }

  @ParameterizedTest
  @ValueSource(strings = {"state_dict", "model_state_dict", "model_state", "model", "module"})
  void aModelMayLieInADictionaryOfAUsualKey(String key) {
    new TorchArchiveBytes()
        .under(key)
        .with("w", "Float", new byte[8], 2)
        .write(folder.resolve(SINGLE));
    assertThat(Checkpoint.open(folder).tensors()).containsOnlyKeys("w");
  }

  @Test
  void indexJoinsShards() {
    archive(FIRST, "a");
    archive(SECOND, "b");
    index(FIRST, SECOND);
    assertThat(Checkpoint.open(folder).tensors()).containsOnlyKeys("a", "b");
  }

  @Test
  void tensorInAnotherShardThanTheIndexSaysIsRefused() {
    archive(FIRST, "a");
    archive(SECOND, "b");
    index(SECOND, FIRST);
    directory.refusal(CheckpointFault.TENSOR_NOT_IN_SHARD);
  }

  @Test
  void indexBesideASingleArchiveOfOthersIsRefused() {
    archive(FIRST, "a");
    archive(SECOND, "b");
    archive(SINGLE, "w");
    index(FIRST, SECOND);
    assertThat(directory.refusal(CheckpointFault.SINGLE_FILE_AND_INDEX))
        .hasMessageContaining(INDEX);
  }

  @Test
  void safetensorsArePreferredWithANote() {
    archive(SINGLE, "from_torch");
    directory.weights("model.safetensors", "w");
    Checkpoint checkpoint = Checkpoint.open(folder);
    assertThat(checkpoint.tensors()).containsOnlyKeys("w");
    assertThat(checkpoint.notes())
        .anySatisfy(note -> assertThat(note).contains(SINGLE, "model.safetensors is read instead"));
  }

  @Test
  void fileGivenAsTheModelIsAllItsWeights() {
    archive(SINGLE, "w");
    archive("other.pth", "x");
    assertThat(Checkpoint.open(folder.resolve("other.pth")).tensors()).containsOnlyKeys("x");
    assertThat(Checkpoint.open(folder.resolve("other.pth")).directory()).isEqualTo(folder);
  }

  @Test
  void archivesOfOtherNamesAskForTheFile() {
    archive("vision.pth", "x");
    assertThat(directory.refusal(CheckpointFault.UNNAMED_TORCH_WEIGHTS))
        .hasMessageContaining("vision.pth")
        .hasMessageContaining("name the file itself");
  }

  @Test
  void twoPartsAskForTheFile() {
    archive("clip.bin", "x");
    archive("mm_projector.bin", "y");
    directory.refusal(CheckpointFault.UNNAMED_TORCH_WEIGHTS);
  }

  @Test
  void whatTrainersLeaveIsNoModel() {
    archive("optimizer.pt", "x");
    archive("training_args.bin", "y");
    directory.refusal(CheckpointFault.NO_WEIGHTS);
  }

  @Test
  void quantisedArchiveIsRefused() {
    archive(SINGLE, "layer.qweight");
    directory.refusal(CheckpointFault.QUANTISED_AWQ);
  }
}
