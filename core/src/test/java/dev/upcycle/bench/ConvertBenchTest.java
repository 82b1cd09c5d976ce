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
    assertThat(new Result(1, 1, pairs, OptionalLong.empty()).medianRatio()).isEqualTo(2);
  }

  @Test
  void modelIsJustLargeEnoughForTheWantedOutput() {
    assertThat(BenchModel.Decoder.forOutputOf(9_400_000_000L).layers()).isEqualTo(16);
    assertThat(BenchModel.Decoder.forOutputOf(1).layers()).isOne();
  }

  @Test
  void smallRunMeasuresEveryPairAndLeavesNothing(@TempDir Path folder) {
    List<String> heard = new ArrayList<>();

    Result result =
        ConvertBench.run(
            new Settings(folder, BenchModel.Decoder.forOutputOf(13_000_000), 2, 1),
            (done, total, what) -> heard.add(what + (done == total ? ", done" : "")));

    assertThat(result.outputBytes()).isBetween(13_000_000L, 25_000_000L);
    assertThat(result.pairs()).hasSize(2).allSatisfy(pair -> assertThat(pair.ratio()).isPositive());
    assertThat(heard).contains("pair 1 of 2, convert").last().isEqualTo("pair 2 of 2, cp, done");
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void towersConvertToo(@TempDir Path folder) {
    Result result =
        ConvertBench.run(
            new Settings(folder, BenchModel.Tower.of(64, 96, 2), 1, 1), (_, _, _) -> {});

    long expertBytes = 2 * 2 * 64 * 96;
    assertThat(result.outputBytes() - result.sourceBytes())
        .isBetween(2 * 3 * expertBytes, 2 * 4 * expertBytes);
  }

  @Test
  void theLargeTowerIsViTL14At336Pixels() {
    TowerShape shape = BenchModel.Tower.large().shape();
    assertThat(shape.places()).isEqualTo(577);
    assertThat(shape.source().config().requireLong("intermediate_size")).isEqualTo(4096);
  }

  @Test
  void noPairsAreRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Settings(Path.of("x"), BenchModel.Tower.large(), 0, 1));
  }
}
