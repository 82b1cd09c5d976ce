package dev.upcycle.kernels.bench;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.kernels.bench.MoeLayerBench.Form;
import dev.upcycle.kernels.bench.MoeLayerBench.LayerShape;
import dev.upcycle.kernels.bench.MoeLayerBench.Load;
import dev.upcycle.kernels.bench.MoeLayerBench.Result;
import dev.upcycle.kernels.bench.MoeLayerBench.Setting;
import dev.upcycle.kernels.tensor.DType;
import dev.upcycle.kernels.tensor.Device;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class MoeLayerBenchTest {
  @ParameterizedTest
  @EnumSource(Load.class)
  void aRunGivesTimesOfBothAndCountsOfEveryExpert(Load load) {
    for (Form form : Form.values()) {
      List<Integer> heard = new ArrayList<>();
      Result result =
          MoeLayerBench.run(
              new Setting(new LayerShape(256, 32, 48, 4, 2), form, DType.F32, load),
              Device.CPU,
              3,
              heard::add);
      assertThat(result.turns().all())
          .hasSize(3)
          .allSatisfy(turn -> {
            assertThat(turn.dense().wallSeconds()).isPositive();
            assertThat(turn.sparse().wallSeconds()).isPositive();
          });
      assertThat(result.turns().tokens()).isEqualTo(256);
      assertThat(result.counts().stream().mapToLong(Long::longValue).sum()).isEqualTo(512);
      assertThat(heard).containsExactly(1, 2, 3, 4, 5);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"F32", "BF16"})
  void aSkewedLoadIsSkewed(DType dtype) {
    LayerShape shape = new LayerShape(256, 512, 48, 8, 2);
    Setting setting = new Setting(shape, Form.SEPARATE, dtype, Load.SKEWED);
    Result result = MoeLayerBench.run(setting, Device.CPU, 1, _ -> {});
    assertThat(result.counts().getFirst()).isGreaterThan(200);
  }
}
