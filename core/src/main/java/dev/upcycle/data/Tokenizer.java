package dev.upcycle.data;

import ai.djl.huggingface.tokenizers.Encoding;
import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import ai.djl.huggingface.tokenizers.jni.CharSpan;
import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// A model's own tokenizer, read from its `tokenizer.json`; never uses the network.
///
/// Text becomes the ids that transformers gives it, special tokens of the tokenizer's template
/// included; nothing is cut off or filled up. Owns native memory until it is closed; any thread.
public final class Tokenizer implements AutoCloseable {
  /// The file that a tokenizer is read from.
  public static final String FILE_NAME = "tokenizer.json";

  private final HuggingFaceTokenizer library;

  private Tokenizer(HuggingFaceTokenizer library) {
    this.library = library;
  }

  /// Reads the tokenizer that lies beside a model.
  ///
  /// @throws TokenizerException when there is none, or it cannot be read
  public static Tokenizer require(Path directory) {
    return find(directory)
        .orElseThrow(() ->
            new TokenizerException(
                "%s: no %s, which turns text into the model's tokens; copy it from the source model"
                    .formatted(directory, FILE_NAME)));
  }

  /// Reads the tokenizer that lies beside a model; empty where there is none.
  ///
  /// @throws TokenizerException when it cannot be read
  public static Optional<Tokenizer> find(Path directory) {
    Path file = directory.resolve(FILE_NAME);
    if (!Files.isRegularFile(file)) {
      return Optional.empty();
    }
    OfflineSwitches.set();
    try {
      // A map and not the builder: the builder reads tokenizer_config.json and cuts text to the
      // length that it finds there.
      return Optional.of(
          new Tokenizer(
              HuggingFaceTokenizer.newInstance(
                  file, Map.of("truncation", "false", "padding", "false"))));
    } catch (IOException | RuntimeException e) {
      throw new TokenizerException(
          "%s: not a tokenizer that can be read: %s".formatted(file, e.getMessage()), e);
    }
  }

  /// A token of a text.
  ///
  /// @param id its row in the vocabulary
  /// @param text the characters that it covers; empty for special tokens and for the second and
  ///   further tokens of one character
  public record Token(long id, String text) {}

  /// The ids of a text.
  public List<Long> encode(String text) {
    return Arrays.stream(ids(text)).boxed().toList();
  }

  /// The ids of a text, for long ones.
  public long[] ids(String text) {
    // The library's encode() makes objects of each token's piece, word and place in native code,
    // and
    // the process is aborted when those of a long text fill the heap.
    TokenizersLibrary natives = TokenizersLibrary.LIB;
    long encoding = natives.encode(library.getHandle(), text, true);
    try {
      return natives.getTokenIds(encoding);
    } finally {
      natives.deleteEncoding(encoding);
    }
  }

  /// The ids of a text that spells its special tokens itself, such as a rendered chat: the
  /// tokenizer adds none.
  public List<Long> encodeAsWritten(String text) {
    return Arrays.stream(library.encode(text, false, false).getIds()).boxed().toList();
  }

  /// Tokens and the characters of a text that each covers, in Java's 16-bit units.
  ///
  /// @param ids of the tokens
  /// @param starts the first character of each
  /// @param ends the one after the last of each
  record Places(List<Long> ids, List<Integer> starts, List<Integer> ends) {}

  /// The tokens of a text that spells its special tokens itself, and where each lies.
  Places placesAsWritten(String text) {
    Encoding encoding = library.encode(text, false, false);
    @Nullable CharSpan[] spans = encoding.getCharTokenSpans();
    int[] places = codePointPlaces(text);
    List<Integer> starts = new ArrayList<>(spans.length);
    List<Integer> ends = new ArrayList<>(spans.length);
    for (@Nullable CharSpan span : spans) {
      if (span == null) {
        throw new TokenizerException("a token of \"%s\" has no place in it".formatted(text));
      }
      starts.add(places[span.getStart()]);
      ends.add(places[span.getEnd()]);
    }
    return new Places(Arrays.stream(encoding.getIds()).boxed().toList(), starts, ends);
  }

  /// The tokens of a text with the characters that each covers.
  public List<Token> tokens(String text) {
    Encoding encoding = library.encode(text, true, false);
    @Nullable CharSpan[] spans = encoding.getCharTokenSpans();
    long[] ids = encoding.getIds();
    int[] places = codePointPlaces(text);
    List<Token> tokens = new ArrayList<>(ids.length);
    int covered = 0;
    for (int i = 0; i < ids.length; i++) {
      CharSpan span = spans[i];
      int start = span == null ? covered : Math.max(covered, places[span.getStart()]);
      int end = span == null ? covered : Math.max(start, places[span.getEnd()]);
      tokens.add(new Token(ids[i], text.substring(start, end)));
      covered = end;
    }
    return tokens;
  }

  /// The text of ids, special tokens written out.
  public String decode(List<Long> ids) {
    return library.decode(ids.stream().mapToLong(Long::longValue).toArray(), false);
  }

  // The library counts code points, Java counts 16-bit units.
  private static int[] codePointPlaces(String text) {
    int[] places = new int[text.codePointCount(0, text.length()) + 1];
    int at = 0;
    for (int place = 0; place < places.length - 1; place++) {
      places[place] = at;
      at += Character.charCount(text.codePointAt(at));
    }
    places[places.length - 1] = text.length();
    return places;
  }

  @Override
  public void close() {
    library.close();
  }
}
