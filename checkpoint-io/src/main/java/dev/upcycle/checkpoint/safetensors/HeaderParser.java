package dev.upcycle.checkpoint.safetensors;

import dev.upcycle.checkpoint.CheckpointFault;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.SourceFile;
import java.io.ByteArrayInputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.SequencedMap;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.TokenStreamFactory;
import tools.jackson.core.exc.StreamConstraintsException;
import tools.jackson.core.json.JsonFactory;

/// Reads the JSON of a header token by token; no tree is built.
///
/// Stricter than the safetensors crate where its README is: a key may not come twice, and an entry
/// must be an object.
final class HeaderParser {
  static final String METADATA = "__metadata__";
  private static final int MAX_DEPTH = 128;
  private static final byte[] BYTE_ORDER_MARK = {(byte) 0xef, (byte) 0xbb, (byte) 0xbf};

  // Names are as many as tensors, so a table of names would only grow; a name may be as long as the
  // header. The decoder, not Jackson, says what is UTF-8.
  private static final JsonFactory JSON =
      JsonFactory.builder()
          .disable(TokenStreamFactory.Feature.CANONICALIZE_PROPERTY_NAMES)
          .disable(TokenStreamFactory.Feature.INTERN_PROPERTY_NAMES)
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(MAX_DEPTH)
                  .maxNameLength(Integer.MAX_VALUE)
                  .maxStringLength(Integer.MAX_VALUE)
                  .build())
          .build();

  private final SourceFile file;
  private final byte[] header;
  private final HeaderFaults faults;
  private final TensorChain chain;
  private final SequencedMap<String, String> metadata = new LinkedHashMap<>();
  private boolean metadataSeen;

  /// @param header the length field and the JSON
  HeaderParser(SourceFile file, byte[] header) {
    this.file = file;
    this.header = header;
    this.faults = new HeaderFaults(file.path());
    this.chain = new TensorChain(file, header.length, faults);
  }

  SafetensorsHeader parse() {
    int jsonBytes = header.length - Long.BYTES;
    if (jsonBytes == 0) {
      throw faults.file(
          CheckpointFault.HEADER_EMPTY,
          "promises a header of 0 bytes, expected JSON, at least '{}'; download it again");
    }
    if (startsWithByteOrderMark()) {
      throw faults.file(
          CheckpointFault.HEADER_BYTE_ORDER_MARK,
          "the header begins with a byte order mark, expected '{'; write it again without the mark");
    }
    Reader text =
        new InputStreamReader(
            new ByteArrayInputStream(header, Long.BYTES, jsonBytes),
            StandardCharsets.UTF_8.newDecoder());
    try (JsonParser parser = JSON.createParser(ObjectReadContext.empty(), text)) {
      readRoot(parser);
    } catch (JacksonException e) {
      throw notJson(e);
    }
    return new SafetensorsHeader(file, chain.close(), metadata);
  }

  private void readRoot(JsonParser parser) {
    JsonToken first = parser.nextToken();
    if (first != JsonToken.START_OBJECT) {
      throw first == null
          ? faults.file(
              CheckpointFault.HEADER_NOT_JSON,
              "the header holds only white space, expected a JSON object; download it again")
          : faults.file(
              CheckpointFault.HEADER_NOT_AN_OBJECT,
              String.format(
                  Locale.ROOT,
                  "the header is JSON but begins with '%s', expected an object of tensors",
                  parser.getString()));
    }
    TensorReader tensors = new TensorReader(parser, faults);
    while (parser.nextToken() != JsonToken.END_OBJECT) {
      String name = faults.wellFormed(parser.currentName());
      if (name.equals(METADATA)) {
        readMetadata(parser);
      } else {
        chain.add(tensors.read(name));
      }
    }
    requireEnd(parser);
  }

  private void requireEnd(JsonParser parser) {
    boolean ended;
    try {
      ended = parser.nextToken() == null;
    } catch (JacksonException e) {
      if (e.getCause() instanceof CharacterCodingException) {
        throw e;
      }
      ended = false;
    }
    if (!ended) {
      throw faults.file(
          CheckpointFault.HEADER_TRAILING_CONTENT,
          "something follows the header's JSON object, expected only spaces up to the header's end; "
              + "the file is damaged: download it again");
    }
  }

  private void readMetadata(JsonParser parser) {
    if (metadataSeen) {
      throw faults.file(
          CheckpointFault.DUPLICATE_METADATA,
          "the header has __metadata__ twice, expected once; write the file again");
    }
    metadataSeen = true;
    JsonToken start = parser.nextToken();
    if (start == JsonToken.VALUE_NULL) {
      return;
    }
    if (start != JsonToken.START_OBJECT) {
      throw faults.file(
          CheckpointFault.METADATA_NOT_AN_OBJECT,
          String.format(
              Locale.ROOT,
              "__metadata__ is '%s', expected an object of texts; write the file again",
              parser.getString()));
    }
    while (parser.nextToken() != JsonToken.END_OBJECT) {
      String key = faults.wellFormed(parser.currentName());
      if (parser.nextToken() != JsonToken.VALUE_STRING) {
        throw faults.file(
            CheckpointFault.METADATA_VALUE_NOT_TEXT,
            String.format(
                Locale.ROOT,
                "__metadata__ has '%s' at the key '%s', expected text; write the file again",
                parser.getString(),
                key));
      }
      if (metadata.putIfAbsent(key, faults.wellFormed(parser.getString())) != null) {
        throw faults.file(
            CheckpointFault.DUPLICATE_METADATA_KEY,
            String.format(
                Locale.ROOT,
                "__metadata__ has the key '%s' twice, expected once; write the file again",
                key));
      }
    }
  }

  private boolean startsWithByteOrderMark() {
    for (int i = 0; i < BYTE_ORDER_MARK.length; i++) {
      if (header.length <= Long.BYTES + i || header[Long.BYTES + i] != BYTE_ORDER_MARK[i]) {
        return false;
      }
    }
    return true;
  }

  /// Names the fault behind a failure of the decoder or of Jackson, which tells its own apart by
  /// message only.
  private CheckpointFormatException notJson(JacksonException e) {
    String what = e.getOriginalMessage();
    if (e.getCause() instanceof CharacterCodingException) {
      return faults.file(
          CheckpointFault.HEADER_NOT_UTF8,
          "the header is not UTF-8; the file is damaged: download it again",
          e);
    }
    if (e instanceof StreamConstraintsException && what.contains("nesting depth")) {
      return faults.file(
          CheckpointFault.HEADER_TOO_DEEP,
          String.format(
              Locale.ROOT,
              "the header nests deeper than %d levels, expected 3; it is not a safetensors file",
              MAX_DEPTH),
          e);
    }
    if (what.contains("surrogate")) {
      return faults.file(
          CheckpointFault.HEADER_LONE_SURROGATE,
          String.format(
              Locale.ROOT,
              "an escape in a text of the header is half of a surrogate pair (%s), expected a pair; write the file again",
              what),
          e);
    }
    if (controlCharacterInText()) {
      return faults.file(
          CheckpointFault.HEADER_CONTROL_CHARACTER,
          "a raw control character stands in a text of the header, expected an escape such as \\n; "
              + "the file is damaged: download it again",
          e);
    }
    return faults.file(
        CheckpointFault.HEADER_NOT_JSON,
        String.format(
            Locale.ROOT,
            "the header is not JSON (%s, at character %,d); the file is damaged: download it again",
            what,
            e.getLocation() == null ? 0 : e.getLocation().getCharOffset()),
        e);
  }

  /// Whether the first text that ends wrongly ends in a raw control character.
  private boolean controlCharacterInText() {
    boolean inText = false;
    for (int i = Long.BYTES; i < header.length; i++) {
      byte b = header[i];
      if (inText && b >= 0 && b < ' ') {
        return true;
      }
      if (inText && b == '\\') {
        i++;
      } else if (b == '"') {
        inText = !inText;
      }
    }
    return false;
  }
}
