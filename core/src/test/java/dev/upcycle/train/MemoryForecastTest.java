package dev.upcycle.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.checkpoint.write.ResourceException;
import dev.upcycle.recipe.Stage;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MemoryForecastTest {
  @TempDir private static Path folder;

  /// The stage with experts.
  private record Sparse(Stage stage, StageMemory model) {
    static Sparse of(String... settings) {
      TrainRun.Request request = new Runs(folder).request(Runs.TWO_STAGES, settings);
      List<Stage> stages = request.recipe().recipe().training().orElseThrow().stages();
      List<StageMemory> models = StageMemory.of(request.source(), request.recipe(), stages);
      return new Sparse(stages.getLast(), models.getLast());
    }

    MemoryForecast forecast() {
      return model.forecast(stage);
    }

    long part(String name) {
      return forecast().parts().getOrDefault(name, -1L);
    }
  }

  @Test
  void aStageThatUpcyclesIsForecastWithItsExperts() {
    TrainRun.Request request = new Runs(folder).request(Runs.TWO_STAGES);
    List<Stage> stages = request.recipe().recipe().training().orElseThrow().stages();
    long dense =
        request.source().tensors().values().stream()
            .mapToLong(entry -> entry.shape().elements())
            .sum();
    List<StageMemory> models = StageMemory.of(request.source(), request.recipe(), stages);
    assertThat(models.getFirst().forecast(stages.getFirst()).parts())
        .containsEntry("weights", 4 * dense)
        .containsEntry("gradients", 4 * dense)
        .containsEntry("moments", 8 * dense)
        .containsEntry("masters", 0L)
        .containsEntry("checkpoint_copy", 12 * dense);
    assertThat(models.getLast().forecast(stages.getLast()).parts().getOrDefault("weights", 0L))
        .isGreaterThan(4 * dense);
  }

  @Test
  void aFrozenTensorNeedsItsWeightsOnly() {
    Sparse all = Sparse.of();
    Sparse routers = Sparse.of("train.defaults.rates={routers: 1, all: 0, \"*.gate.*\": 1}");
    assertThat(routers.part("weights")).isEqualTo(all.part("weights"));
    assertThat(routers.part("gradients")).isPositive().isLessThan(all.part("gradients") / 50);
    assertThat(routers.part("moments")).isEqualTo(2 * routers.part("gradients"));
  }

  @Test
  void halfPrecisionHasMastersAndAnAverageIsCountedTwice() {
    Sparse wide = Sparse.of();
    Sparse reduced = Sparse.of("train.defaults.precision=bf16");
    assertThat(reduced.part("weights")).isEqualTo(wide.part("weights") / 2);
    assertThat(reduced.part("masters")).isEqualTo(wide.part("weights"));
    Sparse averaged = Sparse.of("train.defaults.ema=0.9");
    assertThat(averaged.part("averages")).isEqualTo(wide.part("weights"));
    assertThat(averaged.part("checkpoint_copy") - wide.part("checkpoint_copy"))
        .isEqualTo(wide.part("weights"));
  }

  @Test
  void recomputingAndSmallerMicroBatchesNeedFewerActivations() {
    long usual = Sparse.of("train.defaults.micro_batch=4").part("activations");
    assertThat(Sparse.of("train.defaults.micro_batch=2").part("activations")).isLessThan(usual);
    assertThat(
            Sparse.of("train.defaults.micro_batch=4", "train.defaults.recompute=layers")
                .part("activations"))
        .isLessThan(usual);
  }

  @Test
  void theSumIsThatOfItsParts() {
    Map<String, Long> parts = Sparse.of().forecast().parts();
    assertThat(Sparse.of().forecast().bytes())
        .isEqualTo(parts.values().stream().mapToLong(Long::longValue).sum());
  }

  @Test
  void whatFitsIsLetThrough() {
    Sparse sparse = Sparse.of();
    MemoryLimit limit = new MemoryLimit(sparse.forecast().bytes());
    assertThatCode(() -> limit.require(sparse.stage(), sparse.model())).doesNotThrowAnyException();
  }

  @Test
  void whatDoesNotFitIsRefusedWithEverySettingThatFitsByItself() {
    Sparse sparse = Sparse.of("train.defaults.micro_batch=4", "train.defaults.data.max_tokens=512");
    MemoryLimit limit = new MemoryLimit(sparse.forecast().bytes() - 1);
    assertThatThrownBy(() -> limit.require(sparse.stage(), sparse.model()))
        .isInstanceOf(ResourceException.class)
        .hasMessageContaining("stage sparse needs 0.")
        .hasMessageContaining("GB of memory, the machine has 0.")
        .hasMessageContaining("it fits with recompute: layers (0.")
        .hasMessageContaining("or with micro_batch: 1 (0.")
        .hasMessageContaining("or with precision: bf16 (0.")
        .hasMessageContaining("or with rates: {experts: 0.001} (0.");
  }

  @Test
  void settingsThatFitOnlyTogetherAreNamedTogether() {
    Sparse sparse = Sparse.of("train.defaults.micro_batch=4", "train.defaults.data.max_tokens=512");
    Sparse smaller =
        Sparse.of(
            "train.defaults.micro_batch=1",
            "train.defaults.data.max_tokens=512",
            "train.defaults.recompute=layers");
    MemoryLimit limit = new MemoryLimit(smaller.forecast().bytes());
    assertThatThrownBy(() -> limit.require(sparse.stage(), sparse.model()))
        .hasMessageContaining("it fits with recompute: layers, micro_batch: 1 together (0.");
  }

  @Test
  void whatFitsWithNothingIsRefusedAsSuch() {
    Sparse sparse = Sparse.of();
    assertThatThrownBy(() -> new MemoryLimit(1_000_000).require(sparse.stage(), sparse.model()))
        .hasMessageContaining("even with recompute: layers, micro_batch: 1, precision: bf16")
        .hasMessageContaining("train fewer tensors, or shorter rows");
  }
}
