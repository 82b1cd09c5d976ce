package dev.upcycle.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;
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

  private static final int DECODED_AT_ONCE = 8192;

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
      byte[] text = Files.readAllBytes(file);
      requireUtf8(file, text, malformed);
      json = MAPPER.readTree(text);
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
              + JsonReason.of(e)
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

  /// Jackson, given bytes, takes a name with 0xff before it for the name when it has seen that.
  private static void requireUtf8(Path file, byte[] text, CheckpointFault malformed) {
    CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder();
    ByteBuffer bytes = ByteBuffer.wrap(text);
    CharBuffer some = CharBuffer.allocate(DECODED_AT_ONCE);
    CoderResult result;
    do {
      some.clear();
      result = decoder.decode(bytes, some, true);
    } while (result.isOverflow());
    if (result.isError()) {
      throw new CheckpointFormatException(
          malformed,
          "%s: byte %d begins no character of UTF-8, expected JSON in UTF-8; write it as that or download it again"
              .formatted(file, bytes.position()));
    }
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
