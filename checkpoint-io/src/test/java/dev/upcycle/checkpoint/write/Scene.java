package dev.upcycle.checkpoint.write;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import dev.upcycle.checkpoint.DType;
import dev.upcycle.checkpoint.Shape;
import dev.upcycle.checkpoint.TensorSpec;
import dev.upcycle.checkpoint.write.CheckpointWriter.Mode;
import dev.upcycle.checkpoint.write.ShardLayout.Placement;
import dev.upcycle.checkpoint.write.ShardLayout.Shard;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/// A small target of three shards, and what a converter does to make it.
record Scene(Path out) {
  static final ShardLayout LAYOUT =
      ShardLayout.of(
          List.of(
              new TensorSpec("a", DType.U8, Shape.of(40)),
              new TensorSpec("b", DType.U8, Shape.of(50)),
              new TensorSpec("c", DType.U8, Shape.of(60))),
          60);
  static final Map<String, String> FACTS = Map.of("plan", "p1", "source size", "150");
  static final String MANIFEST =
      """
      {"schema": "upcycle/manifest/1", "files": ["config.json", "upcycle.json",
        "model-00001-of-00003.safetensors", "model-00002-of-00003.safetensors",
        "model-00003-of-00003.safetensors", "model.safetensors.index.json"]}
      """;

  CheckpointWriter begin(Mode mode) {
    return CheckpointWriter.begin(out, LAYOUT, FACTS, mode);
  }

  CheckpointWriter begin(Mode mode, FreeSpace space) {
    return CheckpointWriter.begin(out, LAYOUT, FACTS, new Preparation(mode, space));
  }

  Path partial() {
    return out.resolveSibling(out.getFileName() + ".partial");
  }

  Path unfinished(int shard) {
    return partial().resolve("files/" + LAYOUT.shards().get(shard).fileName() + ".part");
  }

  /// Fills a shard with bytes that depend on tensor name and `tone` and seals it.
  static void fill(CheckpointWriter writer, int index, int tone) {
    Shard shard = LAYOUT.shards().get(index);
    try (FileChannel channel = FileChannel.open(writer.shard(index), StandardOpenOption.WRITE)) {
      for (Placement at : shard.tensors()) {
        byte[] content = new byte[(int) at.tensor().bytes()];
        Arrays.fill(content, (byte) (at.tensor().name().charAt(0) + tone));
        channel.write(ByteBuffer.wrap(content), at.offset());
      }
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  static void fillAndSeal(CheckpointWriter writer, int index) {
    fill(writer, index, 0);
    writer.seal(index);
  }

  static void putSmallFiles(CheckpointWriter writer) {
    writer.put("config.json", "{}\n".getBytes(UTF_8));
    writer.put("upcycle.json", MANIFEST.getBytes(UTF_8));
  }

  /// Fills what is pending and commits.
  static void finish(CheckpointWriter writer) {
    writer.pending().forEach(index -> fillAndSeal(writer, index));
    putSmallFiles(writer);
    writer.commit();
  }

  void writeWhole(Mode mode) {
    try (CheckpointWriter writer = begin(mode)) {
      finish(writer);
    }
  }

  /// Leaves an earlier run whose first `sealed` shards reached the journal.
  void abandonAfterSealing(int sealed) {
    try (CheckpointWriter writer = begin(Mode.FRESH)) {
      for (int i = 0; i < sealed; i++) {
        fillAndSeal(writer, i);
      }
      awaitSealed(sealed);
    }
  }

  /// Waits for the background sync to have recorded so many shards.
  void awaitSealed(int count) {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (Journal.find(partial().resolve(Journal.FILE_NAME)).orElseThrow().sealed().size()
        < count) {
      if (System.nanoTime() > deadline) {
        throw new AssertionError("shards were not recorded");
      }
      Thread.onSpinWait();
    }
  }

  /// Every file below a directory with its bytes as text.
  static Map<String, String> contents(Path directory) {
    Map<String, String> contents = new TreeMap<>();
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        contents.put(
            directory.relativize(file).toString(),
            new String(Files.readAllBytes(file), ISO_8859_1));
      }
    } catch (IOException e) {
      throw new AssertionError(e);
    }
    return contents;
  }
}
