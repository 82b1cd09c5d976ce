package dev.upcycle.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import tools.jackson.core.json.JsonReadFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Fuzz target: whatever an index says, the model is refused by a named fault, or the index names
/// each tensor of its shards once, at its place, and no file beyond the folder is opened.
public final class IndexFuzz {
  private static final Map<String, String> SHARDS =
      Map.of("a", CheckpointDirectory.FIRST, "b", CheckpointDirectory.SECOND);

  private static final JsonMapper JSON =
      JsonMapper.builder().enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS).build();

  private IndexFuzz() {}

  /// What the fuzzer calls.
  public static void fuzzerTestOneInput(byte[] input) {
    check(input, Path.of(Objects.requireNonNull(System.getProperty("upcycle.fuzz.folder"))));
  }

  /// What refused the index; empty when it was read.
  static Optional<CheckpointFault> check(byte[] index, Path folder) {
    Path model = folder.resolve("model");
    try {
      if (!Files.exists(model)) {
        Files.createDirectory(model);
        CheckpointDirectory.shards(model);
        new CheckpointDirectory(folder).weights("outside.safetensors", "a");
      }
      Files.write(model.resolve(CheckpointDirectory.INDEX), index);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    Checkpoint checkpoint;
    try {
      checkpoint = Checkpoint.open(model);
    } catch (CheckpointFormatException e) {
      assertThat(e).hasMessageStartingWith(model.toString());
      return Optional.of(e.fault());
    }
    requireWhatItSays(JSON.readTree(index).get("weight_map"), checkpoint);
    return Optional.empty();
  }

  private static void requireWhatItSays(JsonNode weightMap, Checkpoint checkpoint) {
    assertThat(checkpoint.tensors()).isNotEmpty();
    assertThat(weightMap.propertyNames()).isEqualTo(checkpoint.tensors().keySet());
    checkpoint
        .tensors()
        .forEach((name, tensor) -> {
          assertThat(weightMap.get(name).stringValue()).isEqualTo(SHARDS.get(name));
          assertThat(tensor.file()).isEqualTo(checkpoint.directory().resolve(SHARDS.get(name)));
        });
  }
}
