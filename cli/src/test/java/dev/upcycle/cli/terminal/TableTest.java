package dev.upcycle.cli.terminal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;

class TableTest {
  @Test
  void numbersStandRightAndTextLeftUnderTheirTitles() {
    assertThat(Table.of("name", "count", "why").row("a", "7", "x").row("longer", "1,234", "y"))
        .hasToString(
            """
            name    count  why
            a           7  x
            longer  1,234  y\
            """);
  }

  @Test
  void dashCountsAsANumberAndOneTextMakesAColumnOfTexts() {
    assertThat(Table.of("a", "b").row("-", "1").row("10", "none"))
        .hasToString(
            """
             a  b
             -  1
            10  none\
            """);
  }

  @Test
  void pairsHaveNoTitlesAndStandLeft() {
    assertThat(Table.pairs().row("a", "1").row("bcd", "22")).hasToString("a    1\nbcd  22");
  }

  @Test
  void linesEndWithoutBlanks() {
    assertThat(Table.of("a", "").row("x", "").toString().lines()).containsExactly("a", "x");
  }

  @Test
  void rowOfAnotherWidthIsRefused() {
    Table table = Table.of("a", "b").row("1", "2");
    assertThatIllegalArgumentException().isThrownBy(() -> table.row("1"));
  }
}
