package dev.upcycle.train;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.checkpoint.Checkpoint;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A process that may write no large file: the system refuses in the middle, as a full disk does.
class FullDiskTest {
  private static final int BLOCK_BYTES = 512;

  @TempDir private Path folder;
  private Runs runs;

  @BeforeEach
  void prepare() {
    runs = new Runs(folder);
  }

  @Test
  void theLastCheckpointStaysWholeAndWithRoomAgainTheRunGoesOnToTheSameBytes() throws Exception {
    assertThat(runs.process("whole", Runs.TWO_STAGES).start().waitFor()).isZero();
    Path end = folder.resolve("whole/checkpoints/step-8");
    // Moments are the largest file; those of the dense stage pass, those of the experts do not.
    long most = Files.size(end.resolve("optimizer.safetensors")) - BLOCK_BYTES;
    String limit = "ulimit -f %d; exec \"$@\"".formatted(most / BLOCK_BYTES);
    Process limited = runs.process("full", Runs.TWO_STAGES, "sh", "-c", limit, "limited").start();
    assertThat(limited.waitFor()).isEqualTo(1);
    Path last = folder.resolve("full/checkpoints/step-4");
    assertThat(Files.readString(folder.resolve("full.log")))
        .contains("ResourceException: ")
        .contains("File too large")
        .contains("the last whole checkpoint is %s: go on with --resume".formatted(last));
    assertThat(folder.resolve("full/checkpoints")).isDirectoryNotContaining("glob:**.unfinished");
    assertThat(Checkpoint.open(last.resolve("model")).tensors()).isNotEmpty();

    assertThat(runs.process("full", Runs.TWO_STAGES).start().waitFor()).isZero();
    Runs.assertSameBytes(folder.resolve("full/final"), folder.resolve("whole/final"));
  }
}
