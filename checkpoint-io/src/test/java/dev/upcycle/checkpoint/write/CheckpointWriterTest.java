package dev.upcycle.checkpoint.write;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.checkpoint.DType;
import dev.upcycle.checkpoint.Shape;
import dev.upcycle.checkpoint.TensorSpec;
import dev.upcycle.checkpoint.write.CheckpointWriter.Mode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;

class CheckpointWriterTest {
  @TempDir Path directory;
  private Scene scene = new Scene(Path.of("unset"));

  @BeforeEach
  void makeScene() throws IOException {
    scene = new Scene(directory.toRealPath().resolve("out"));
  }

  @Test
  void aFinishedRunLeavesOutAndNothingBesideIt() throws IOException {
    scene.writeWhole(Mode.FRESH);
    assertThat(OutputPaths.names(directory)).containsExactly("out");
    assertThat(OutputPaths.names(scene.out()))
        .containsExactly(
            "config.json",
            "model-00001-of-00003.safetensors",
            "model-00002-of-00003.safetensors",
            "model-00003-of-00003.safetensors",
            "model.safetensors.index.json",
            "upcycle.json");
  }

  @Test
  void twoThreadsGiveTheSameBytesAsOne() throws Exception {
    scene.writeWhole(Mode.FRESH);
    Scene other = new Scene(directory.toRealPath().resolve("other"));
    try (CheckpointWriter writer = other.begin(Mode.FRESH);
        ExecutorService threads = Executors.newFixedThreadPool(2)) {
      List<Future<?>> work = new ArrayList<>();
      for (int index : writer.pending().reversed()) {
        work.add(threads.submit(() -> Scene.fillAndSeal(writer, index)));
      }
      for (Future<?> one : work) {
        one.get();
      }
      Scene.putSmallFiles(writer);
      writer.commit();
    }
    assertThat(Scene.contents(other.out())).isEqualTo(Scene.contents(scene.out()));
  }

  @Test
  void aShardIsPresizedWithItsHeader() throws IOException {
    try (CheckpointWriter writer = scene.begin(Mode.FRESH)) {
      ShardLayout.Shard shard = Scene.LAYOUT.shards().get(1);
      assertThat(writer.shard(1)).hasSize(shard.bytes());
      assertThat(Files.readAllBytes(writer.shard(1))).startsWith(shard.header());
    }
  }

  @Test
  void aCommitWithUnsealedShardsIsRefused() {
    try (CheckpointWriter writer = scene.begin(Mode.FRESH)) {
      Scene.fillAndSeal(writer, 1);
      assertThat(writer.pending()).containsExactly(0, 2);
      assertThatThrownBy(writer::commit)
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("[0, 2]");
    }
    assertThat(scene.out()).doesNotExist();
  }

  @Test
  void aSealedShardIsNoLongerGivenOut() {
    try (CheckpointWriter writer = scene.begin(Mode.FRESH)) {
      Scene.fillAndSeal(writer, 0);
      assertThatThrownBy(() -> writer.shard(0)).isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> writer.seal(0)).isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void smallFilesMayNotTakeTheNamesOfShardsOrLeaveTheDirectory() {
    try (CheckpointWriter writer = scene.begin(Mode.FRESH)) {
      for (String name : List.of("../x", "a/b", "..", "", "model.safetensors.index.json")) {
        assertThatThrownBy(() -> writer.put(name, new byte[0]))
            .isInstanceOf(IllegalArgumentException.class);
      }
      assertThatThrownBy(() -> writer.put("model-00001-of-00003.safetensors", new byte[0]))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void missingParentsAreMade() {
    Scene deep = new Scene(scene.out().resolve("x/y/z"));
    deep.writeWhole(Mode.FRESH);
    assertThat(deep.out().resolve("config.json")).exists();
  }

  @Test
  void anEmptyOutIsFilled() throws IOException {
    Files.createDirectory(scene.out());
    scene.writeWhole(Mode.FRESH);
    assertThat(scene.out().resolve("config.json")).exists();
  }

  @Test
  void trailingSlashAndDotsNameTheSameOut() {
    Path odd = Path.of(scene.out().getParent() + "/./x/../out/");
    new Scene(odd).writeWhole(Mode.FRESH);
    assertThat(scene.out().resolve("config.json")).exists();
  }

  @Test
  void aLinkedOutIsWrittenWhereItLeads() throws IOException {
    Path real = Files.createDirectories(directory.resolve("disk/real"));
    Path link = Files.createSymbolicLink(directory.resolve("link"), real);
    new Scene(link).writeWhole(Mode.FRESH);
    assertThat(Files.isSymbolicLink(link)).isTrue();
    assertThat(real.resolve("config.json")).exists();
    assertThat(OutputPaths.names(directory.resolve("disk"))).containsExactly("real");
  }

  @Test
  void aSecondRunOnTheSameOutIsRefusedNamingOutAndTheHolder() {
    try (CheckpointWriter first = scene.begin(Mode.FRESH)) {
      assertThat(first.pending()).hasSize(3);
      assertThatThrownBy(() -> scene.begin(Mode.RESUME))
          .isInstanceOf(ResourceException.class)
          .hasMessageContaining(scene.out().toString())
          .hasMessageContaining("process " + ProcessHandle.current().pid());
    }
    try (CheckpointWriter later = scene.begin(Mode.RESUME)) {
      assertThat(later.pending()).hasSize(3);
    }
  }

  @Test
  void aDiskThatIsTooSmallIsRefusedBeforeAnythingIsWritten() throws IOException {
    long needed = Scene.LAYOUT.fileBytes();
    assertThatThrownBy(() -> scene.begin(Mode.FRESH, at -> needed - 1))
        .isInstanceOf(ResourceException.class)
        .hasMessageContaining((needed - 1) + " bytes")
        .hasMessageContaining(needed + " bytes")
        .hasMessageContaining("--out");
    assertThat(OutputPaths.names(directory)).isEmpty();
  }

  @Test
  void aResumeNeedsSpaceForTheMissingShardsOnly() {
    scene.abandonAfterSealing(2);
    long missing = Scene.LAYOUT.shards().get(2).bytes();
    assertThatThrownBy(() -> scene.begin(Mode.RESUME, at -> missing - 1))
        .isInstanceOf(ResourceException.class);
    try (CheckpointWriter writer = scene.begin(Mode.RESUME, at -> missing)) {
      assertThat(writer.pending()).containsExactly(2);
    }
  }

  private static List<JsonNode> goldenFiles() {
    List<JsonNode> cases = new ArrayList<>();
    for (JsonNode one : Golden.json("safetensors/manifest.json").path("cases")) {
      boolean ourMetadata =
          one.path("metadata").size() == 1
              && one.path("metadata").path("format").asString("").equals("pt");
      if (ourMetadata && !one.path("tensors").isEmpty()) {
        cases.add(one);
      }
    }
    return cases;
  }

  @ParameterizedTest
  @MethodSource("goldenFiles")
  void aFileEqualsThatOfTheSafetensorsLibraryWhateverTheInputOrder(JsonNode golden)
      throws IOException {
    Map<String, byte[]> data = new TreeMap<>();
    List<TensorSpec> specs = new ArrayList<>();
    for (JsonNode tensor : golden.path("tensors")) {
      List<Long> shape = new ArrayList<>();
      tensor.path("shape").forEach(dimension -> shape.add(dimension.asLong()));
      String name = tensor.path("name").asString();
      DType dtype = DType.valueOf(tensor.path("dtype").asString());
      specs.add(new TensorSpec(name, dtype, new Shape(shape)));
      data.put(name, Base64.getDecoder().decode(tensor.path("base64").asString()));
    }
    byte[] expected = Golden.bytes("safetensors/" + golden.path("file").asString());
    assertThat(written("forward", specs, data)).isEqualTo(expected);
    Collections.reverse(specs);
    assertThat(written("backward", specs, data)).isEqualTo(expected);
  }

  private byte[] written(String name, List<TensorSpec> specs, Map<String, byte[]> data)
      throws IOException {
    ShardLayout layout = ShardLayout.of(specs, 1L << 40);
    Path out = directory.resolve(name);
    try (CheckpointWriter writer = CheckpointWriter.begin(out, layout, Map.of(), Mode.FRESH)) {
      for (ShardLayout.Placement at : layout.shards().getFirst().tensors()) {
        byte[] content = data.getOrDefault(at.tensor().name(), new byte[0]);
        Path source = Files.write(directory.resolve("tensor.bin"), content);
        SliceCopier.copy(
            new FileRange(source, 0, content.length),
            List.of(new FileRange.Start(writer.shard(0), at.offset())),
            n -> {});
      }
      writer.seal(0);
      writer.commit();
    }
    return Files.readAllBytes(out.resolve("model.safetensors"));
  }
}
