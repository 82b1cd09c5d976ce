package dev.upcycle.cli.terminal;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class PrintableTest {
  private static final char ESCAPE = 27;

  @Test
  void controlCharactersAreSpelledOut() {
    assertThat(Printable.of("model." + ESCAPE + "[31mweight\r"))
        .isEqualTo("model.\\u001b[31mweight\\u000d");
  }

  @Test
  void linesTabsAndLettersOfAnyScriptStay() {
    assertThat(Printable.of("modèle\t漢\n🙂")).isEqualTo("modèle\t漢\n🙂");
  }
}
