package dev.upcycle.bench;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.bench.LayerBench.Result;
import dev.upcycle.model.ModelOptions;
import java.util.List;
import org.junit.jupiter.api.Test;

class LayerBenchTest {
  @Test
  void bothLoadsAreMeasured() {
    LayerBench.Setting setting =
        new LayerBench.Setting(new DecoderShape.ExpertShape(32, 48, 4, 2), 128);
    ComputeSettings settings = new ComputeSettings(ModelOptions.of("cpu", "f32"), 1, 1);

    List<Result> results = LayerBench.run(setting, settings);

    assertThat(results).extracting(Result::load).containsExactly("even", "skewed");
    assertThat(results)
        .allSatisfy(result -> {
          assertThat(result.tokensPerSecond()).isPositive();
          assertThat(result.assignments().stream().mapToLong(Long::longValue).sum()).isEqualTo(256);
        });
  }
}
