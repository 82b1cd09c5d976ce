package dev.upcycle.kernels.bench;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.kernels.bench.MoeLayerBench.LayerShape;
import dev.upcycle.kernels.bench.MoeLayerBench.Load;
import dev.upcycle.kernels.bench.MoeLayerBench.Result;
import dev.upcycle.kernels.bench.MoeLayerBench.Setting;
import dev.upcycle.kernels.tensor.DType;
import dev.upcycle.kernels.tensor.Device;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class MoeLayerBenchTest {
  @ParameterizedTest
  @EnumSource(Load.class)
  void aRunGivesTimesOfBothAndCountsOfEveryExpert(Load load) {
    LayerShape shape = new LayerShape(256, 32, 48, 4, 2);
    Result result = MoeLayerBench.run(new Setting(shape, DType.F32, load, 3), Device.CPU);
    assertThat(result.dense().wallMillis()).isPositive();
    assertThat(result.sparse().cpuMillis()).isNotNegative();
    assertThat(result.ratio()).isPositive();
    assertThat(result.tokensPerSecond()).isPositive();
    assertThat(result.counts().stream().mapToLong(Long::longValue).sum()).isEqualTo(512);
  }

  @ParameterizedTest
  @EnumSource(names = {"F32", "BF16"})
  void aSkewedLoadIsSkewed(DType dtype) {
    LayerShape shape = new LayerShape(256, 512, 48, 8, 2);
    Result result = MoeLayerBench.run(new Setting(shape, dtype, Load.SKEWED, 1), Device.CPU);
    assertThat(result.counts().getFirst()).isGreaterThan(200);
  }
}
