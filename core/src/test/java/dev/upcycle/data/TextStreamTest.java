package dev.upcycle.data;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TextStreamTest {
  // One id per byte, as byte-level tokenizers fall back to.
  private static String bytes(List<Long> ids) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ids.forEach(id -> out.write(id.intValue()));
    return out.toString(StandardCharsets.UTF_8);
  }

  // As the byte-fallback decoder of tokenizers: a run of bytes is text as a whole or not at all.
  private static String fallback(List<Long> ids) {
    String text = bytes(ids);
    return text.contains("\uFFFD") ? "\uFFFD".repeat(ids.size()) : text;
  }

  private static List<Long> ids(String text) {
    List<Long> ids = new ArrayList<>();
    for (byte unit : text.getBytes(StandardCharsets.UTF_8)) {
      ids.add((long) Byte.toUnsignedInt(unit));
    }
    return ids;
  }

  private static String streamed(TextStream stream, List<Long> ids) {
    StringBuilder text = new StringBuilder();
    ids.forEach(id -> text.append(stream.append(id)));
    return text + stream.rest();
  }

  private static long id(int unsigned) {
    return unsigned;
  }

  @Test
  void characterIsHeldBackUntilItsLastByte() {
    TextStream stream = new TextStream(TextStreamTest::bytes, List.of(id('a')));

    assertThat(stream.append(0xC3)).isEmpty();
    assertThat(stream.append(0xA9)).isEqualTo("é");
    assertThat(stream.append('b')).isEqualTo("b");
    assertThat(stream.rest()).isEmpty();
  }

  @Test
  void halfACharacterAtTheEndIsNotLost() {
    TextStream stream = new TextStream(TextStreamTest::bytes, List.of());
    stream.append(0xC3);

    assertThat(stream.rest()).isEqualTo("\uFFFD");
  }

  @ParameterizedTest
  @ValueSource(strings = {"日本語 😀 é", "😀 é", "é", "語語", "😀😀", "😀", "ab", ""})
  void promptOfLongCharactersDoesNotSpoilWhatFollows(String prompt) {
    TextStream stream = new TextStream(TextStreamTest::fallback, ids(prompt));

    assertThat(streamed(stream, ids("king 😀 the"))).isEqualTo("king 😀 the");
  }

  @Test
  void byteThatBeginsNoCharacterDoesNotSpoilWhatFollows() {
    List<Long> broken = new ArrayList<>(ids("a"));
    broken.add(id(0x80));
    broken.addAll(ids("king"));

    assertThat(streamed(new TextStream(TextStreamTest::fallback, ids("x")), broken))
        .isEqualTo("a\uFFFDking");
  }

  @Test
  void charactersThatOverlapTokensAreHeldUntilTheyAreWhole() {
    // Each token ends one character and begins the next.
    List<List<Long>> tokens = new ArrayList<>();
    List<Long> all = ids("😀".repeat(6));
    for (int from = 0; from < all.size(); from += 2) {
      tokens.add(all.subList(Math.max(0, from - 1), from + 1));
    }
    tokens.add(all.subList(all.size() - 1, all.size()));
    TextStream stream =
        new TextStream(
            ids -> bytes(ids.stream().flatMap(id -> tokens.get(id.intValue()).stream()).toList()),
            List.of());

    assertThat(streamed(stream, LongStream.range(0, tokens.size()).boxed().toList()))
        .isEqualTo("😀".repeat(6));
  }

  @Test
  void blankThatTheDecoderDropsAtTheBeginningOfATextIsKept() {
    TextStream stream =
        new TextStream(
            ids -> String.join("", ids.stream().map(i -> " w" + i).toList()).strip(), List.of(1L));

    assertThat(stream.append(2)).isEqualTo(" w2");
    assertThat(stream.append(3)).isEqualTo(" w3");
  }
}
