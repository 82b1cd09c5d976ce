package dev.upcycle.bench;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.bench.LayerBench.Result;
import dev.upcycle.kernels.bench.MoeLayerBench.Form;
import dev.upcycle.model.ModelOptions;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class LayerBenchTest {
  @Test
  void bothLoadsAreMeasured() {
    LayerBench.Setting setting =
        new LayerBench.Setting(new DecoderShape.ExpertShape(32, 48, 4, 2), 128, Form.SEPARATE);
    ComputeSettings settings = new ComputeSettings(ModelOptions.of("cpu", "f32"), 1, 1);

    List<Integer> heard = new ArrayList<>();

    List<Result> results = LayerBench.run(setting, settings, heard::add);

    assertThat(results).extracting(Result::load).containsExactly("even", "skewed");
    assertThat(results)
        .allSatisfy(result -> {
          assertThat(result.turns().tokensPerSecond()).isPositive();
          assertThat(result.assignments().stream().mapToLong(Long::longValue).sum()).isEqualTo(256);
        });
    assertThat(heard).hasSize(LayerBench.count(settings)).containsExactly(1, 2, 3, 4, 5, 6);
  }
}
