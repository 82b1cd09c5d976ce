package dev.upcycle.checkpoint.write;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.checkpoint.write.CheckpointWriter.Mode;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LockContentionTest {
  @TempDir Path directory;

  @Test
  void anotherProcessIsWaitedForAndItsDeathReleasesTheLock() throws Exception {
    Scene scene = new Scene(directory.toRealPath().resolve("out"));
    Process holder = LockHolder.start(scene.out());
    try (var said = holder.inputReader()) {
      assertThat(said.readLine()).startsWith(LockHolder.READY);
      for (Mode mode : Mode.values()) {
        assertThatThrownBy(() -> scene.begin(mode))
            .isInstanceOf(ResourceException.class)
            .hasMessageContaining("process " + holder.pid())
            .hasMessageContaining(scene.out().toString());
      }
    } finally {
      holder.destroyForcibly().waitFor();
    }
    scene.writeWhole(Mode.RESUME);
    assertThat(scene.out().resolve("config.json")).exists();
  }
}
