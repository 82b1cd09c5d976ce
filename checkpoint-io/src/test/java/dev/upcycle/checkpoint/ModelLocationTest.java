package dev.upcycle.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ModelLocationTest {
  private static final String COMMIT = "0123456789abcdef0123456789abcdef01234567";
  private static final String OTHER = "fedcba9876543210fedcba9876543210fedcba98";

  @TempDir Path folder;
  private Path repository = Path.of("");

  @BeforeEach
  void fillTheCache() throws IOException {
    repository = folder.resolve("hub/models--some-org--tiny.model");
    Files.createDirectories(repository.resolve("snapshots").resolve(COMMIT));
    Files.createDirectories(repository.resolve("snapshots").resolve(OTHER));
    Files.createDirectories(repository.resolve("refs/pr"));
    Files.writeString(repository.resolve("refs/main"), COMMIT);
    Files.writeString(repository.resolve("refs/pr/1"), OTHER + "\n");
  }

  private Path resolve(String model) {
    return ModelLocation.resolve(model, Map.of("HF_HUB_CACHE", folder.resolve("hub").toString()));
  }

  @Test
  void hubNameLeadsToTheSnapshotOfMain() {
    assertThat(resolve("some-org/tiny.model"))
        .isEqualTo(repository.resolve("snapshots").resolve(COMMIT));
  }

  @ParameterizedTest
  @ValueSource(strings = {"pr/1", OTHER, "fedcba9"})
  void revisionIsARefOrACommitOrItsBeginning(String revision) {
    assertThat(resolve("some-org/tiny.model@" + revision))
        .isEqualTo(repository.resolve("snapshots").resolve(OTHER));
  }

  @Test
  void pathThatExistsWins() {
    assertThat(resolve(folder.toString())).isEqualTo(folder);
    assertThat(ModelLocation.resolve("src/test", Map.of())).isEqualTo(Path.of("src/test"));
  }

  @ParameterizedTest
  @CsvSource({
    "HF_HUB_CACHE, /c, /c",
    "HF_HOME, /c, /c/hub",
    "XDG_CACHE_HOME, /c, /c/huggingface/hub",
    "HOME, /c, /c/.cache/huggingface/hub"
  })
  void cacheIsWhereTheHubsClientKeepsIt(String variable, String value, Path expected) {
    assertThat(ModelLocation.cache(Map.of(variable, value))).isEqualTo(expected);
  }

  @Test
  void nearerVariableWins() {
    assertThat(
            ModelLocation.cache(
                Map.of(
                    "HF_HUB_CACHE", "/a", "HF_HOME", "/b", "XDG_CACHE_HOME", "/c", "HOME", "/d")))
        .isEqualTo(Path.of("/a"));
    assertThat(ModelLocation.cache(Map.of("HF_HUB_CACHE", "", "HF_HOME", "/b")))
        .isEqualTo(Path.of("/b/hub"));
  }

  @Test
  void absentModelSaysWhereItLookedAndHowToDownload() {
    assertThatThrownBy(() -> resolve("some-org/absent"))
        .isInstanceOfSatisfying(
            CheckpointFormatException.class,
            e -> assertThat(e.fault()).isEqualTo(CheckpointFault.NOT_IN_CACHE))
        .hasMessageContaining(folder.resolve("hub/models--some-org--absent").toString())
        .hasMessageContaining("hf download some-org/absent");
  }

  @ParameterizedTest
  @ValueSource(strings = {"v9", "../refs", "../../..", "..", "0", "."})
  void absentRevisionListsTheCachedOnes(String revision) throws IOException {
    Files.createDirectories(repository.resolve("snapshots/00ff"));
    assertThatThrownBy(() -> resolve("some-org/tiny.model@" + revision))
        .isInstanceOfSatisfying(
            CheckpointFormatException.class,
            e -> assertThat(e.fault()).isEqualTo(CheckpointFault.NO_SUCH_REVISION))
        .hasMessageContaining("'main'")
        .hasMessageContaining(COMMIT)
        .hasMessageContaining("--revision " + revision);
  }

  @Test
  void refThatLeavesTheSnapshotsIsRefused() throws IOException {
    Files.writeString(repository.resolve("refs/main"), "../../..");
    assertThatThrownBy(() -> resolve("some-org/tiny.model"))
        .isInstanceOfSatisfying(
            CheckpointFormatException.class,
            e -> assertThat(e.fault()).isEqualTo(CheckpointFault.NO_SUCH_REVISION));
  }

  @ParameterizedTest
  @ValueSource(strings = {"plain-name", "a/b/c", "/no/such/directory", "../x/y", "a\0b", "org/"})
  void whatIsNeitherAPathNorAHubNameIsRefused(String model) {
    assertThatThrownBy(() -> resolve(model))
        .isInstanceOfSatisfying(
            CheckpointFormatException.class,
            e -> assertThat(e.fault()).isEqualTo(CheckpointFault.NO_SUCH_PATH));
  }

  @Test
  void theOldNameOfTheCacheIsReadToo() {
    assertThat(ModelLocation.cache(Map.of("HUGGINGFACE_HUB_CACHE", "/old", "HF_HOME", "/home")))
        .isEqualTo(Path.of("/old"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"~/hub", "$HOME/hub", "${HOME}/hub"})
  void homeAndVariablesAreExpandedAsTheHubsClientDoes(String value) {
    assertThat(ModelLocation.cache(Map.of("HF_HUB_CACHE", value, "HOME", "/users/a$b")))
        .isEqualTo(Path.of("/users/a$b/hub"));
  }

  @Test
  void aVariableThatIsNotSetStaysAsItIs() {
    assertThat(ModelLocation.cache(Map.of("HF_HUB_CACHE", "/x/$NOT_SET")))
        .isEqualTo(Path.of("/x/$NOT_SET"));
  }
}
