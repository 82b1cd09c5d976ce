package dev.upcycle.cli.terminal;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class QuantitiesTest {
  @ParameterizedTest
  @CsvSource({
    "0, 0 B",
    "999, 999 B",
    "1000, 1.00 kB",
    "9994, 9.99 kB",
    "9995, 10.0 kB",
    "99949, 99.9 kB",
    "99950, 100 kB",
    "999499, 999 kB",
    "999500, 1.00 MB",
    "4980000000, 4.98 GB",
    "9223372036854775807, 9.22 EB"
  })
  void bytesHaveThreeDigitsAndDecimalUnits(long bytes, String text) {
    assertThat(Quantities.bytes(bytes)).isEqualTo(text);
  }

  @ParameterizedTest
  @CsvSource({"7, 7", "134515008, 135M", "7241732096, 7.24B"})
  void parametersAreShort(long count, String text) {
    assertThat(Quantities.parameters(count)).isEqualTo(text);
  }

  @Test
  void countsHaveTheirThousandsSetApart() {
    assertThat(Quantities.count(134_515_008)).isEqualTo("134,515,008");
  }

  @ParameterizedTest
  @CsvSource({"0.4, 0 s", "59.4, 59 s", "59.6, 1 min 0 s", "185, 3 min 5 s", "7800, 2 h 10 min"})
  void secondsAreToldInTheTwoLargestUnits(double seconds, String text) {
    assertThat(Quantities.seconds(seconds)).isEqualTo(text);
  }
}
