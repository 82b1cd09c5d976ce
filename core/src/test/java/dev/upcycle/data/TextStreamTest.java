package dev.upcycle.data;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

class TextStreamTest {
  // One id per byte, as byte-level tokenizers fall back to.
  private static String bytes(List<Long> ids) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ids.forEach(id -> out.write(id.intValue()));
    return out.toString(StandardCharsets.UTF_8);
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

  @Test
  void blankThatTheDecoderDropsAtTheBeginningOfATextIsKept() {
    TextStream stream =
        new TextStream(
            ids -> String.join("", ids.stream().map(i -> " w" + i).toList()).strip(), List.of(1L));

    assertThat(stream.append(2)).isEqualTo(" w2");
    assertThat(stream.append(3)).isEqualTo(" w3");
  }
}
