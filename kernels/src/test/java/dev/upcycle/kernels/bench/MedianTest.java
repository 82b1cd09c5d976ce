package dev.upcycle.kernels.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.stream.DoubleStream;
import org.junit.jupiter.api.Test;

class MedianTest {
  @Test
  void ofAnOddNumberItIsTheMiddleOne() {
    assertThat(Median.of(DoubleStream.of(9, 1, 4))).isEqualTo(4);
    assertThat(Median.of(DoubleStream.of(7))).isEqualTo(7);
  }

  @Test
  void ofAnEvenNumberItIsTheMeanOfTheMiddleTwo() {
    assertThat(Median.of(DoubleStream.of(9, 1, 4, 6))).isEqualTo(5);
  }

  @Test
  void ofNothingThereIsNone() {
    assertThatThrownBy(() -> Median.of(DoubleStream.empty()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("no values");
  }
}
