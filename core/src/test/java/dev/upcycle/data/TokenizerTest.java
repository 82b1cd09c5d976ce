package dev.upcycle.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.fixtures.ChildJvm;
import dev.upcycle.sample.SampleModel;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TokenizerTest {
  @TempDir private Path folder;
  private Path model = Path.of("");

  @BeforeEach
  void writeSample() {
    model = folder.resolve("dense");
    SampleModel.writeTo(model);
  }

  @Test
  void textComesBackFromItsTokens() {
    try (Tokenizer tokenizer = Tokenizer.require(model)) {
      String text = "Light, é and 𝄞.";

      List<Long> ids = tokenizer.encode(text);

      assertThat(tokenizer.decode(ids)).endsWith(text);
      assertThat(tokenizer.tokens(text).stream().map(Tokenizer.Token::text))
          .describedAs("the characters of all tokens")
          .satisfies(pieces -> assertThat(String.join("", pieces)).isEqualTo(text));
    }
  }

  @Test
  void longTextIsNotCutOff() {
    try (Tokenizer tokenizer = Tokenizer.require(model)) {
      assertThat(tokenizer.encode("a".repeat(20_000))).hasSizeGreaterThanOrEqualTo(20_000);
    }
  }

  @Test
  void missingTokenizerIsAnErrorNamingTheFile() {
    assertThatThrownBy(() -> Tokenizer.require(folder))
        .isInstanceOf(TokenizerException.class)
        .hasMessageContaining("tokenizer.json");
  }

  @Test
  void damagedTokenizerIsAnError() throws IOException {
    Files.writeString(model.resolve("tokenizer.json"), "{");

    assertThatThrownBy(() -> Tokenizer.require(model)).isInstanceOf(TokenizerException.class);
  }

  @Test
  void idsAreThoseOfTheTokens() {
    try (Tokenizer tokenizer = Tokenizer.require(model)) {
      String text = "Light, é and 𝄞.\n\n <s> of light";

      assertThat(tokenizer.encode(text))
          .isEqualTo(tokenizer.tokens(text).stream().map(Tokenizer.Token::id).toList());
    }
  }

  /// In a JVM of its own, which a heap too small for them would abort.
  @Test
  void idsOfALongTextNeedNoObjectPerToken() throws Exception {
    Said said = run(LongTextProbe.class, "-Xmx40m");

    assertThat(said.status()).describedAs(said.text()).isZero();
    assertThat(said.text()).contains(LongTextProbe.CHARACTERS + 1 + " tokens");
  }

  /// In a JVM of its own: the library reads its switches once.
  @Test
  void libraryNeverLooksForASwitchThatIsUnset() throws Exception {
    Said said = run(SwitchProbe.class, "-Xmx512m");

    assertThat(said.status()).describedAs(said.text()).isZero();
    assertThat(said.text()).contains("read ai.djl.offline=true").contains("read RUST_FLAVOR=cpu");
    assertThat(said.text()).doesNotContain("=null");
  }

  /// What a program of its own printed, and its exit status.
  private record Said(int status, String text) {}

  private Said run(Class<?> program, String heap) throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(ChildJvm.command(program, List.of(heap), List.of(model.toString())))
            .redirectErrorStream(true)
            .start();
    String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Said(process.waitFor(), text);
  }
}
