package dev.upcycle.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.upcycle.bench.ConvertBench.Pair;
import dev.upcycle.bench.ConvertBench.Result;
import dev.upcycle.bench.ConvertBench.Settings;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConvertBenchTest {
  @Test
  void ratioSaysHowManyTimesAsFastAsTheCopyTheConversionWas() {
    assertThat(new Pair(2, 3).ratio()).isEqualTo(1.5);
  }

  @Test
  void medianIsTheMiddleRatioWhateverTheOrder() {
    List<Pair> pairs = List.of(new Pair(1, 9), new Pair(1, 1), new Pair(1, 2));
    assertThat(
            new Result(BenchModel.forOutputOf(1), 1, 1, pairs, OptionalLong.empty()).medianRatio())
        .isEqualTo(2);
  }

  @Test
  void modelIsJustLargeEnoughForTheWantedOutput() {
    assertThat(BenchModel.forOutputOf(9_400_000_000L).layers()).isEqualTo(16);
    assertThat(BenchModel.forOutputOf(1).layers()).isOne();
  }

  @Test
  void smallRunMeasuresEveryPairAndLeavesNothing(@TempDir Path folder) {
    List<String> heard = new ArrayList<>();

    Result result =
        ConvertBench.run(
            new Settings(folder, 13_000_000, 2, 1),
            (done, total, what) -> heard.add(what + (done == total ? ", done" : "")));

    assertThat(result.outputBytes()).isBetween(13_000_000L, 25_000_000L);
    assertThat(result.pairs()).hasSize(2).allSatisfy(pair -> assertThat(pair.ratio()).isPositive());
    assertThat(heard).contains("pair 1 of 2, convert").last().isEqualTo("pair 2 of 2, cp, done");
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void noPairsAreRefused() {
    assertThatIllegalArgumentException().isThrownBy(() -> new Settings(Path.of("x"), 1, 0, 1));
  }
}
