package dev.upcycle.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.upcycle.fixtures.SafetensorsBytes;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/// A model's directory under construction, right or wrong.
///
/// @param path where it is
record CheckpointDirectory(Path path) {
  static final String SINGLE = "model.safetensors";
  static final String INDEX = "model.safetensors.index.json";
  static final String FIRST = "model-00001-of-00002.safetensors";
  static final String SECOND = "model-00002-of-00002.safetensors";

  /// A config and one file with the tensor `w`.
  static CheckpointDirectory single(Path path) {
    return configured(path).weights(SINGLE, "w");
  }

  /// A config and two shards with the tensors `a` and `b`, without an index.
  static CheckpointDirectory shards(Path path) {
    return configured(path).weights(FIRST, "a").weights(SECOND, "b");
  }

  static CheckpointDirectory configured(Path path) {
    return new CheckpointDirectory(path).text("config.json", "{\"model_type\": \"mistral\"}");
  }

  CheckpointDirectory weights(String fileName, String... tensors) {
    StringBuilder header = new StringBuilder("{");
    int offset = 0;
    for (String tensor : tensors) {
      header
          .append(header.length() > 1 ? "," : "")
          .append(
              "\"%s\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[%d,%d]}"
                  .formatted(tensor, offset, offset + 4));
      offset += 4;
    }
    SafetensorsBytes.of(header.append('}').toString())
        .withData(offset)
        .write(path.resolve(fileName));
    return this;
  }

  CheckpointDirectory index(Map<String, String> weightMap) {
    String entries =
        new TreeMap<>(weightMap)
            .entrySet().stream()
                .map(entry -> "\"%s\": \"%s\"".formatted(entry.getKey(), entry.getValue()))
                .collect(Collectors.joining(", "));
    return text(INDEX, "{\"metadata\": {}, \"weight_map\": {" + entries + "}}");
  }

  CheckpointDirectory text(String fileName, String content) {
    try {
      Path file = path.resolve(fileName);
      Files.createDirectories(file.getParent());
      Files.writeString(file, content);
      return this;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  CheckpointFormatException refusal(CheckpointFault fault) {
    CheckpointFormatException refusal =
        catchThrowableOfType(CheckpointFormatException.class, () -> Checkpoint.open(path));
    assertThat(refusal).as("the directory must be refused").isNotNull();
    assertThat(refusal.fault()).as(refusal.getMessage()).isEqualTo(fault);
    assertThat(refusal).hasMessageStartingWith(path.toString());
    return refusal;
  }
}
