package dev.upcycle.checkpoint.write;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.checkpoint.write.CheckpointWriter.Mode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// What a run that ended early leaves behind, and how another goes on with it.
class ResumeTest {
  private static final FileTime LONG_AGO = FileTime.fromMillis(1_000_000_000_000L);

  @TempDir Path directory;
  private Scene scene = new Scene(Path.of("unset"));
  private Map<String, String> undisturbed = Map.of();

  @BeforeEach
  void makeScene() throws IOException {
    scene = new Scene(directory.toRealPath().resolve("out"));
    Scene reference = new Scene(directory.toRealPath().resolve("reference"));
    reference.writeWhole(Mode.FRESH);
    undisturbed = Scene.contents(reference.out());
  }

  /// No directory but OUT may hold a config or weights under a name that a consumer looks for.
  private void assertNothingLooksLikeACheckpoint() throws IOException {
    assertThat(scene.out()).doesNotExist();
    try (Stream<Path> files = Files.walk(scene.partial())) {
      assertThat(files.map(file -> String.valueOf(file.getFileName())))
          .noneMatch(name -> name.endsWith(".safetensors") || name.equals("config.json"))
          .doesNotContain(ShardLayout.INDEX_FILE_NAME);
    }
  }

  private void assertResumeGivesTheSameBytes() {
    scene.writeWhole(Mode.RESUME);
    assertThat(Scene.contents(scene.out())).isEqualTo(undisturbed);
    assertThat(scene.partial()).doesNotExist();
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 3})
  void aRunAbandonedBetweenShardsLeavesNoCheckpointAndIsResumed(int sealed) throws IOException {
    scene.abandonAfterSealing(sealed);
    assertNothingLooksLikeACheckpoint();
    assertResumeGivesTheSameBytes();
  }

  @Test
  void aRunAbandonedAfterTheSmallFilesLeavesNoCheckpointAndIsResumed() throws IOException {
    try (CheckpointWriter writer = scene.begin(Mode.FRESH)) {
      writer.pending().forEach(index -> Scene.fillAndSeal(writer, index));
      Scene.putSmallFiles(writer);
      writer.put("left-over.txt", new byte[3]);
      scene.awaitSealed(3);
    }
    assertNothingLooksLikeACheckpoint();
    assertResumeGivesTheSameBytes();
  }

  @Test
  void aRunKilledWhileFilesGetTheirNamesIsResumed() throws IOException {
    scene.abandonAfterSealing(3);
    Path file = scene.unfinished(0);
    Files.move(file, file.resolveSibling(Scene.LAYOUT.shards().getFirst().fileName()));
    Files.writeString(file.resolveSibling("config.json"), "half");
    assertResumeGivesTheSameBytes();
  }

  @Test
  void aRunKilledBeforeItsJournalIsBegunAgain() throws IOException {
    Files.createDirectories(scene.partial().resolve("files"));
    Files.writeString(scene.partial().resolve("journal.json.tmp"), "{");
    scene.writeWhole(Mode.FRESH);
    assertThat(Scene.contents(scene.out())).isEqualTo(undisturbed);
  }

  @Test
  void aRunKilledAfterTheRenameIsTidiedUpAndOutStays() throws IOException {
    scene.abandonAfterSealing(3);
    Files.move(scene.partial().resolve("files"), scene.out());
    assertThatThrownBy(() -> scene.begin(Mode.RESUME))
        .isInstanceOf(OutputException.class)
        .hasMessageContaining("complete");
    assertThat(scene.partial()).doesNotExist();
    assertThat(scene.out()).isDirectoryContaining("glob:**.part");
  }

  @Test
  void sealedShardsAreKeptAndUnsealedOnesMadeAnew() throws IOException {
    scene.abandonAfterSealing(2);
    Files.setLastModifiedTime(scene.unfinished(0), LONG_AGO);
    Files.setLastModifiedTime(scene.unfinished(1), LONG_AGO);
    Files.writeString(scene.unfinished(2), "poison");
    try (CheckpointWriter writer = scene.begin(Mode.RESUME)) {
      assertThat(writer.pending()).containsExactly(2);
      assertThat(Files.readString(writer.shard(2), ISO_8859_1)).doesNotContain("poison");
      Scene.finish(writer);
    }
    Path out = scene.out();
    assertThat(Files.getLastModifiedTime(out.resolve("model-00001-of-00003.safetensors")))
        .isEqualTo(LONG_AGO);
    assertThat(Files.getLastModifiedTime(out.resolve("model-00002-of-00003.safetensors")))
        .isEqualTo(LONG_AGO);
    assertThat(Files.getLastModifiedTime(out.resolve("model-00003-of-00003.safetensors")))
        .isNotEqualTo(LONG_AGO);
    assertThat(Scene.contents(out)).isEqualTo(undisturbed);
  }

  @Test
  void aSealedShardOfTheWrongSizeOrMissingIsMadeAnew() throws IOException {
    scene.abandonAfterSealing(3);
    Files.writeString(scene.unfinished(0), "short");
    Files.delete(scene.unfinished(2));
    try (CheckpointWriter writer = scene.begin(Mode.RESUME)) {
      assertThat(writer.pending()).containsExactly(0, 2);
      Scene.finish(writer);
    }
    assertThat(Scene.contents(scene.out())).isEqualTo(undisturbed);
  }

  @Test
  void everyChangedFactIsToldWithBothValues() {
    scene.abandonAfterSealing(1);
    Map<String, String> changed = Map.of("plan", "p2", "source size", "150", "recipe", "r");
    assertThatThrownBy(
            () -> CheckpointWriter.begin(scene.out(), Scene.LAYOUT, changed, Mode.RESUME))
        .isInstanceOf(OutputException.class)
        .hasMessageContaining("plan: was p1, is p2")
        .hasMessageContaining("recipe: was absent, is r")
        .hasMessageNotContaining("source size");
    assertThat(scene.unfinished(0)).exists();
  }

  @Test
  void aChangedLayoutIsAChangedFact() {
    scene.abandonAfterSealing(1);
    ShardLayout other =
        ShardLayout.of(
            List.of(Scene.LAYOUT.shards().getFirst().tensors().getFirst().tensor()), 1000);
    assertThatThrownBy(() -> CheckpointWriter.begin(scene.out(), other, Scene.FACTS, Mode.RESUME))
        .isInstanceOf(OutputException.class)
        .hasMessageContaining("shard layout");
  }

  @Test
  void aResumeWithoutAnEarlierRunBeginsAfresh() {
    assertResumeGivesTheSameBytes();
  }

  @Test
  void aFreshRunRefusesWhatAnEarlierOneLeft() {
    scene.abandonAfterSealing(1);
    assertThatThrownBy(() -> scene.begin(Mode.FRESH))
        .isInstanceOf(OutputException.class)
        .hasMessageContaining("--resume")
        .hasMessageContaining("remove");
  }

  @Test
  void aPartialDirectoryThatNoRunLeftIsNotTouched() throws IOException {
    Files.createDirectories(scene.partial());
    Files.writeString(scene.partial().resolve("diary.txt"), "mine", UTF_8);
    for (Mode mode : Mode.values()) {
      assertThatThrownBy(() -> scene.begin(mode)).isInstanceOf(OutputException.class);
    }
    assertThat(scene.partial().resolve("diary.txt")).hasContent("mine");
  }

  @Test
  void aFileThatNoRunDeclaredIsNamedAndLeft() throws IOException {
    scene.abandonAfterSealing(1);
    Path mine = Files.writeString(scene.partial().resolve("files/notes.part"), "mine");
    for (Mode mode : new Mode[] {Mode.RESUME, Mode.OVERWRITE}) {
      assertThatThrownBy(() -> scene.begin(mode))
          .isInstanceOf(OutputException.class)
          .hasMessageContaining("notes.part");
    }
    assertThat(mine).hasContent("mine");
    Files.delete(mine);
    assertResumeGivesTheSameBytes();
  }

  @Test
  void aFilesDirectoryThatIsALinkIsNotFollowed() throws IOException {
    scene.abandonAfterSealing(1);
    Path files = scene.partial().resolve("files");
    Path elsewhere = Files.move(files, directory.resolve("elsewhere"));
    Files.createSymbolicLink(files, elsewhere);
    Map<String, String> before = Scene.contents(elsewhere);
    for (Mode mode : Mode.values()) {
      assertThatThrownBy(() -> scene.begin(mode)).isInstanceOf(OutputException.class);
    }
    assertThat(Scene.contents(elsewhere)).isEqualTo(before);
  }

  @Test
  void anOverwriteForWhichTheDiskIsTooSmallLeavesTheEarlierRunResumable() {
    scene.abandonAfterSealing(2);
    assertThatThrownBy(() -> scene.begin(Mode.OVERWRITE, partial -> 0))
        .isInstanceOf(ResourceException.class);
    try (CheckpointWriter writer = scene.begin(Mode.RESUME)) {
      assertThat(writer.pending()).containsExactly(2);
      Scene.finish(writer);
    }
    assertThat(Scene.contents(scene.out())).isEqualTo(undisturbed);
  }

  @Test
  void aStrangerBesideTheJournalIsNamedAndLeft() throws IOException {
    scene.abandonAfterSealing(1);
    Path stranger = Files.createDirectory(scene.partial().resolve("files/deep"));
    assertThatThrownBy(() -> scene.begin(Mode.RESUME))
        .isInstanceOf(OutputException.class)
        .hasMessageContaining("deep/");
    assertThat(stranger).exists();
  }
}
