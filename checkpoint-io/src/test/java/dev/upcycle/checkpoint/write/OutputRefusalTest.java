package dev.upcycle.checkpoint.write;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.write.CheckpointWriter.Mode;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// What an output may not be, and what an overwrite leaves alone.
class OutputRefusalTest {
  @TempDir Path directory;
  private Scene scene = new Scene(Path.of("unset"));
  private Path out = Path.of("unset");

  @BeforeEach
  void makeScene() throws IOException {
    out = directory.toRealPath().resolve("out");
    scene = new Scene(out);
  }

  @Test
  void aFreshRunRefusesAFilledOutWithTheWayOut() throws IOException {
    Files.createDirectory(out);
    Files.writeString(out.resolve("mine"), "x");
    assertThatThrownBy(() -> scene.begin(Mode.FRESH))
        .isInstanceOf(OutputException.class)
        .hasMessageContaining(out.toString())
        .hasMessageContaining("--overwrite")
        .hasMessageContaining("--out");
    assertThat(scene.partial()).doesNotExist();
  }

  @Test
  void aFileARootAndTheCurrentDirectoryAreRefused() throws IOException {
    Files.writeString(out, "x");
    assertThatThrownBy(() -> scene.begin(Mode.OVERWRITE))
        .isInstanceOf(OutputException.class)
        .hasMessageContaining("is a file");
    assertThatThrownBy(() -> new Scene(Path.of("/")).begin(Mode.FRESH))
        .isInstanceOf(OutputException.class)
        .hasMessageContaining("root");
    assertThatThrownBy(() -> new Scene(Path.of(".")).begin(Mode.FRESH))
        .isInstanceOf(OutputException.class)
        .hasMessageContaining("current directory");
  }

  @Test
  void aLinkToNothingIsRefused() throws IOException {
    Path link = Files.createSymbolicLink(directory.resolve("link"), directory.resolve("gone"));
    assertThatThrownBy(() -> new Scene(link).begin(Mode.FRESH))
        .isInstanceOf(OutputException.class)
        .hasMessageContaining("symbolic link");
  }

  @Test
  void anOverwriteReplacesWhatItsManifestLists() throws IOException {
    scene.writeWhole(Mode.FRESH);
    Files.writeString(out.resolve("config.json"), "old");
    scene.writeWhole(Mode.OVERWRITE);
    assertThat(out.resolve("config.json")).hasContent("{}");
    assertThat(OutputPaths.names(directory)).containsExactly("out");
  }

  @Test
  void theOldOutputStaysUntilTheNewOneIsComplete() throws IOException {
    scene.writeWhole(Mode.FRESH);
    Map<String, String> old = Scene.contents(out);
    try (CheckpointWriter writer = scene.begin(Mode.OVERWRITE)) {
      Scene.fillAndSeal(writer, 0);
      scene.awaitSealed(1);
    }
    assertThat(Scene.contents(out)).isEqualTo(old);
    scene.writeWhole(Mode.RESUME);
    assertThat(OutputPaths.names(directory)).containsExactly("out");
  }

  @Test
  void anOverwriteKilledBetweenItsTwoRenamesPutsTheOldOutputBack() throws IOException {
    scene.writeWhole(Mode.FRESH);
    Map<String, String> old = Scene.contents(out);
    try (CheckpointWriter writer = scene.begin(Mode.OVERWRITE)) {
      writer.pending().forEach(index -> Scene.fillAndSeal(writer, index));
      scene.awaitSealed(3);
    }
    Files.move(out, scene.partial().resolve("replaced"));
    try (CheckpointWriter writer = scene.begin(Mode.RESUME)) {
      assertThat(Scene.contents(out)).isEqualTo(old);
      assertThat(writer.pending()).isEmpty();
      Scene.finish(writer);
    }
    assertThat(OutputPaths.names(directory)).containsExactly("out");
  }

  @Test
  void anOverwriteKilledBeforeTheOldOutputIsGoneRemovesItLater() throws IOException {
    scene.writeWhole(Mode.FRESH);
    Map<String, String> whole = Scene.contents(out);
    try (CheckpointWriter writer = scene.begin(Mode.OVERWRITE)) {
      writer.pending().forEach(index -> Scene.fillAndSeal(writer, index));
      scene.awaitSealed(3);
    }
    Files.move(out, scene.partial().resolve("replaced"));
    Files.move(scene.partial().resolve("files"), out);
    Files.delete(scene.partial().resolve("replaced/config.json"));
    assertThatThrownBy(() -> scene.begin(Mode.RESUME)).isInstanceOf(OutputException.class);
    assertThat(scene.partial()).doesNotExist();
    assertThat(whole).isNotEmpty();
  }

  @Test
  void strangersAreNamedAndNothingIsRemoved() throws IOException {
    scene.writeWhole(Mode.FRESH);
    Files.writeString(out.resolve("notes.txt"), "mine");
    Files.createDirectory(out.resolve("runs"));
    Map<String, String> before = Scene.contents(out);
    assertThatThrownBy(() -> scene.begin(Mode.OVERWRITE))
        .isInstanceOf(OutputException.class)
        .hasMessageContaining("notes.txt")
        .hasMessageContaining("runs");
    assertThat(Scene.contents(out)).isEqualTo(before);
  }

  @Test
  void aStrangerThatComesDuringTheRunStopsTheCommit() throws IOException {
    scene.writeWhole(Mode.FRESH);
    try (CheckpointWriter writer = scene.begin(Mode.OVERWRITE)) {
      Files.writeString(out.resolve("notes.txt"), "mine");
      assertThatThrownBy(() -> Scene.finish(writer))
          .isInstanceOf(OutputException.class)
          .hasMessageContaining("notes.txt");
    }
    assertThat(out.resolve("notes.txt")).hasContent("mine");
  }

  @Test
  void anOutThatIsFilledDuringAFreshRunStopsTheCommit() throws IOException {
    try (CheckpointWriter writer = scene.begin(Mode.FRESH)) {
      Files.createDirectory(out);
      Files.writeString(out.resolve("mine"), "x");
      assertThatThrownBy(() -> Scene.finish(writer))
          .isInstanceOf(OutputException.class)
          .hasMessageContaining("filled by something else");
    }
    assertThat(OutputPaths.names(out)).containsExactly("mine");
    assertThat(Checkpoint.open(scene.partial().resolve("files")).tensors().keySet())
        .as("what loads before the rename is whole")
        .containsExactly("a", "b", "c");
    Files.delete(out.resolve("mine"));
    scene.writeWhole(Mode.RESUME);
  }

  @Test
  void anOutWithoutAManifestIsNotOverwritten() throws IOException {
    Files.createDirectory(out);
    Files.writeString(out.resolve("config.json"), "{}");
    assertThatThrownBy(() -> scene.begin(Mode.OVERWRITE))
        .isInstanceOf(OutputException.class)
        .hasMessageContaining("upcycle.json");
    assertThat(out.resolve("config.json")).exists();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "not json",
        "[]",
        "{\"files\": []}",
        "{\"schema\": \"upcycle/manifest/1\"}",
        "{\"schema\": \"upcycle/manifest/1\", \"files\": [\"../precious\"]}",
        "{\"schema\": \"upcycle/manifest/1\", \"files\": [\"a/b\"]}",
        "{\"schema\": \"upcycle/manifest/1\", \"files\": [\"a\\\\b\"]}",
        "{\"schema\": \"upcycle/manifest/1\", \"files\": [\"..\"]}",
        "{\"schema\": \"upcycle/manifest/1\", \"files\": [3]}"
      })
  void aStrangeManifestAllowsNothing(String manifest) throws IOException {
    Files.createDirectory(out);
    Files.writeString(out.resolve("upcycle.json"), manifest);
    Path precious = Files.writeString(directory.resolve("precious"), "x");
    assertThatThrownBy(() -> scene.begin(Mode.OVERWRITE))
        .isInstanceOf(OutputException.class)
        .hasMessageContaining("upcycle.json");
    assertThat(precious).exists();
  }

  @Test
  void anOverwriteReplacesAnEarlierRunOfOurs() {
    scene.abandonAfterSealing(2);
    try (CheckpointWriter writer = scene.begin(Mode.OVERWRITE)) {
      assertThat(writer.pending()).containsExactly(0, 1, 2);
      Scene.finish(writer);
    }
    assertThat(out.resolve("config.json")).exists();
  }

  @Test
  void outMayNotBeTheSourceNorInsideNorAroundIt() throws IOException {
    Path source = Files.createDirectories(directory.resolve("models/source"));
    Path link = Files.createSymbolicLink(directory.resolve("link"), source);
    for (Path bad :
        new Path[] {
          source, link, source.resolve("out"), link.resolve("new/out"), directory.resolve("models")
        }) {
      assertThatThrownBy(() -> OutputGuard.check(bad, source))
          .as("%s", bad)
          .isInstanceOf(OutputException.class)
          .hasMessageContaining("source");
      assertThatThrownBy(() -> OutputGuard.check(bad, link)).isInstanceOf(OutputException.class);
    }
    assertThatCode(() -> OutputGuard.check(directory.resolve("models/source2"), link))
        .doesNotThrowAnyException();
  }

  @Test
  void theWorkingDirectoryMayNotBeTheSourceEither() throws IOException {
    Path source = Files.createDirectories(directory.resolve("m.partial"));
    assertThatThrownBy(() -> OutputGuard.check(directory.resolve("m"), source))
        .isInstanceOf(OutputException.class)
        .hasMessageContaining("m.partial");
  }

  @Test
  void aTargetThatMayNotBeWrittenIsAResourceFaultNamingIt() {
    Path unwritable = Path.of("/proc/upcycle/out");
    assertThatThrownBy(() -> new Scene(unwritable).begin(Mode.FRESH))
        .isInstanceOf(ResourceException.class)
        .hasMessageContaining("/proc/upcycle");
  }

  @Test
  void aReadOnlyTargetIsToldWithTheWayOut() {
    for (IOException refusal :
        new IOException[] {
          new AccessDeniedException("x"),
          new FileSystemException("x", null, "Read-only file system")
        }) {
      assertThat(ResourceException.writing(out, 1, refusal))
          .hasMessageContaining("may not be written")
          .hasMessageContaining("--out");
    }
  }
}
