package dev.upcycle.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.upcycle.bench.ConvertBench.Pair;
import dev.upcycle.bench.ConvertBench.Result;
import dev.upcycle.bench.ConvertBench.Settings;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class ConvertBenchTest {
  @Test
  void ratioSaysHowManyTimesAsFastAsTheCopyTheConversionWas() {
    assertThat(new Pair(2, 3).ratio()).isEqualTo(1.5);
  }

  @Test
  void medianIsTheMiddleRatioWhateverTheOrder() {
    List<Pair> pairs = List.of(new Pair(1, 9), new Pair(1, 1), new Pair(1, 2));
    assertThat(new Result(1, 1, pairs, OptionalLong.empty()).medianRatio()).isEqualTo(2);
  }

  @Test
  void modelIsJustLargeEnoughForTheWantedOutput() {
    long layersOfTheLargeRun =
        BenchModel.forOutputOf(9_400_000_000L).config().requireLong("num_hidden_layers");
    assertThat(layersOfTheLargeRun).isEqualTo(16);
    assertThat(BenchModel.forOutputOf(1).config().requireLong("num_hidden_layers")).isOne();
  }

  @Test
  void noPairsAreRefused() {
    assertThatIllegalArgumentException().isThrownBy(() -> new Settings(Path.of("x"), 1, 0, 1));
  }
}
