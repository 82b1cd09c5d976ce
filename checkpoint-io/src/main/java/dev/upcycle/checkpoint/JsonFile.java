package dev.upcycle.checkpoint;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Locale;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonReadFeature;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// Reads the small JSON files of a checkpoint: one object, no key twice, floats to their last
/// digit.
///
/// Floats are doubles and `NaN` and `Infinity` are read, as Python does.
final class JsonFile {
  /// The largest file that is read. An index of 700,000 tensors has about as many bytes, and what
  /// is made of it fits into the heap that the launcher gives.
  static final long MOST_BYTES = 64L << 20;

  private static final JsonMapper MAPPER =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private JsonFile() {}

  /// @param missing the fault when there is no such file
  /// @param malformed the fault when it is not an object
  static ObjectNode read(Path file, CheckpointFault missing, CheckpointFault malformed) {
    JsonNode json;
    try {
      RegularFile.require(file);
      GitLfsPointer.refuse(file);
      requireModest(file, malformed);
      json = MAPPER.readTree(Files.readAllBytes(file));
    } catch (NoSuchFileException e) {
      throw new CheckpointFormatException(
          missing, file + ": there is no such file; copy or download it to that place", e);
    } catch (IOException e) {
      throw new CheckpointFormatException(
          CheckpointFault.UNREADABLE, file + ": cannot be read (" + e + ")", e);
    } catch (JacksonException e) {
      throw new CheckpointFormatException(
          malformed,
          file
              + ": is not JSON ("
              + e.getOriginalMessage()
              + "), expected one object without a key twice; correct it or download it again",
          e);
    }
    if (json instanceof ObjectNode object) {
      return object;
    }
    throw new CheckpointFormatException(
        malformed,
        file
            + ": is JSON of the kind "
            + json.getNodeType()
            + ", expected an object; correct it or download it again");
  }

  private static void requireModest(Path file, CheckpointFault malformed) throws IOException {
    long bytes = Files.size(file);
    if (bytes > MOST_BYTES) {
      throw new CheckpointFormatException(
          malformed,
          String.format(
              Locale.ROOT,
              "%s: is %,d bytes, expected at most %,d; it is no file of a model: download it again",
              file,
              bytes,
              MOST_BYTES));
    }
  }
}
