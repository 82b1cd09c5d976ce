package dev.upcycle.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.checkpoint.write.ResourceException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Checkpoints as a kill may leave them, and how a run goes on from there.
class CheckpointFolderTest {
  private static final String ONE_STAGE =
      Runs.TWO_STAGES
          .replaceAll("(?m)^.*name: sparse.*\n", "")
          .replace("checkpoint: {every: 2}", "checkpoint: {every: 1}")
          .replace("steps: 4", "steps: 3");

  @TempDir Path folder;
  private Runs runs;
  private Path checkpoints;

  @BeforeEach
  void trainThreeSteps() {
    runs = new Runs(folder);
    checkpoints = folder.resolve("run/checkpoints");
    go(TrainRun.Mode.FRESH);
  }

  private List<Path> go(TrainRun.Mode mode) {
    List<Path> torn = new ArrayList<>();
    TrainListener listener =
        new TrainListener() {
          @Override
          public void tornCheckpoint(Path checkpoint) {
            torn.add(checkpoint);
          }
        };
    TrainRun.run(runs.request(ONE_STAGE), folder.resolve("run"), mode, listener);
    return torn;
  }

  private byte[] result() throws IOException {
    return Files.readAllBytes(folder.resolve("run/final/model.safetensors"));
  }

  /// Goes on after files were changed as a kill leaves them; expects the same result.
  private List<Path> goOnToTheSameResult() throws IOException {
    byte[] before = result();
    Files.delete(folder.resolve("run/final/model.safetensors"));
    List<Path> torn = go(TrainRun.Mode.RESUME);
    assertThat(result()).isEqualTo(before);
    assertThat(checkpoints).isDirectoryNotContaining("glob:**/.*");
    assertThat(checkpoints.resolve("step-3/state.json")).exists();
    return torn;
  }

  @Test
  void aCheckpointWithoutStateIsPassedOverAndNamed() throws IOException {
    Files.delete(checkpoints.resolve("step-3/state.json"));
    assertThat(goOnToTheSameResult()).containsExactly(checkpoints.resolve("step-3"));
  }

  @Test
  void aCheckpointWhoseWeightsAreCutIsPassedOver() throws IOException {
    Path weights = checkpoints.resolve("step-3/model/model.safetensors");
    byte[] bytes = Files.readAllBytes(weights);
    Files.write(weights, java.util.Arrays.copyOf(bytes, bytes.length / 2));
    assertThat(goOnToTheSameResult()).containsExactly(checkpoints.resolve("step-3"));
  }

  @Test
  void whatWasPutAsideForAnotherThatNeverCameIsThereAgain() throws IOException {
    Files.move(checkpoints.resolve("step-3"), checkpoints.resolve(".replaced-step-3"));
    Files.createDirectories(checkpoints.resolve(".unfinished/model"));
    assertThat(goOnToTheSameResult()).isEmpty();
  }

  @Test
  void whatWasReplacedIsCleared() throws IOException {
    Path replaced = Files.createDirectories(checkpoints.resolve(".replaced-step-3"));
    Files.writeString(replaced.resolve("optimizer.safetensors"), "half of it");
    assertThat(goOnToTheSameResult()).isEmpty();
  }

  @Test
  void halfRemovedOnesAreClearedAndNeverTaken() throws IOException {
    Files.move(checkpoints.resolve("step-3"), checkpoints.resolve(".discarded-step-3"));
    Files.delete(checkpoints.resolve(".discarded-step-3/optimizer.safetensors"));
    assertThat(goOnToTheSameResult()).isEmpty();
  }

  @Test
  void aFailureWhileOneIsSavedAgainLeavesTheOneBefore() throws IOException {
    CheckpointFolder opened = CheckpointFolder.open(checkpoints);
    assertThatThrownBy(() ->
            opened.save(
                3,
                unfinished -> {
                  Files.writeString(unfinished.resolve("state.json"), "{}");
                  throw new IOException("no room");
                }))
        .isInstanceOf(ResourceException.class)
        .hasMessageContaining("no room")
        .hasMessageContaining("the last whole checkpoint is " + checkpoints.resolve("step-3"));
    assertThat(goOnToTheSameResult()).isEmpty();
  }

  @Test
  void oneIsNeverHalfUnderItsNameWhileItIsSavedAgain() throws IOException {
    CheckpointFolder opened = CheckpointFolder.open(checkpoints);
    Path kept = checkpoints.resolve("step-3/state.json");
    opened.save(
        3,
        unfinished -> {
          assertThat(kept).exists();
          Files.writeString(unfinished.resolve("new"), "new");
        });
    assertThat(checkpoints.resolve("step-3")).isDirectoryContaining("glob:**/new");
    assertThat(kept).doesNotExist();
    assertThat(checkpoints).isDirectoryNotContaining("glob:**/.*");
  }
}
