package dev.upcycle.checkpoint.write;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.upcycle.checkpoint.write.CheckpointWriter.Mode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A disk that fills up in the middle: some file leads to the kernel's always-full device.
class FullDiskTest {
  private static final Path FULL = Path.of("/dev/full");

  @TempDir Path directory;
  private Scene scene = new Scene(Path.of("unset"));

  @BeforeEach
  void makeScene() throws IOException {
    assumeThat(FULL).exists();
    scene = new Scene(directory.toRealPath().resolve("out"));
  }

  @Test
  void aSmallFileThatDoesNotFitIsNamed() throws IOException {
    Path file = scene.partial().resolve("files/config.json.part");
    try (CheckpointWriter writer = scene.begin(Mode.FRESH)) {
      Files.createSymbolicLink(file, FULL);
      assertThatThrownBy(() -> Scene.putSmallFiles(writer))
          .isInstanceOf(ResourceException.class)
          .hasMessageContaining("disk is full")
          .hasMessageContaining(file.toString())
          .hasMessageContaining("--resume");
    }
    assertThat(scene.out()).doesNotExist();
  }

  @Test
  void aSealThatCannotBeRecordedStopsTheCommit() throws IOException {
    try (CheckpointWriter writer = scene.begin(Mode.FRESH)) {
      Files.createSymbolicLink(scene.partial().resolve("journal.json.tmp"), FULL);
      assertThatThrownBy(() -> Scene.finish(writer))
          .isInstanceOf(ResourceException.class)
          .hasMessageContaining("disk is full");
    }
    assertThat(scene.out()).doesNotExist();
    Files.delete(scene.partial().resolve("journal.json.tmp"));
    scene.writeWhole(Mode.RESUME);
  }

  @Test
  void anIndexThatDoesNotFitStopsTheCommitAndIsResumed() throws IOException {
    Path index = scene.partial().resolve("files/model.safetensors.index.json.part");
    try (CheckpointWriter writer = scene.begin(Mode.FRESH)) {
      Files.createSymbolicLink(index, FULL);
      assertThatThrownBy(() -> Scene.finish(writer))
          .isInstanceOf(ResourceException.class)
          .hasMessageContaining("disk is full");
    }
    assertThat(scene.out()).doesNotExist();
    assertThat(scene.partial().resolve("files/model.safetensors.index.json")).doesNotExist();
    try (CheckpointWriter writer = scene.begin(Mode.RESUME)) {
      assertThat(writer.pending()).isEmpty();
      Scene.finish(writer);
    }
    assertThat(scene.out().resolve("model.safetensors.index.json")).isRegularFile();
  }
}
