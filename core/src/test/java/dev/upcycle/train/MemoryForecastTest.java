package dev.upcycle.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.arch.Composition;
import dev.upcycle.checkpoint.DType;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.checkpoint.write.ResourceException;
import dev.upcycle.recipe.Stage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MemoryForecastTest {
  @TempDir private static Path folder;

  /// The stage with experts.
  private record Sparse(Stage stage, StageMemory model) {
    static Sparse of(String... settings) {
      TrainRun.Request request = new Runs(folder).request(Runs.TWO_STAGES, settings);
      List<Stage> stages = request.recipe().recipe().training().orElseThrow().stages();
      List<PlannedModel> models = PlannedModel.of(request.source(), request.recipe(), stages);
      return new Sparse(stages.getLast(), new StageMemory(models.getLast()));
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
    List<StageMemory> models =
        PlannedModel.of(request.source(), request.recipe(), stages).stream()
            .map(StageMemory::new)
            .toList();
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
    long usual =
        Sparse.of("train.defaults.batch=8", "train.defaults.micro_batch=4").part("activations");
    assertThat(
            Sparse.of("train.defaults.batch=8", "train.defaults.micro_batch=2").part("activations"))
        .isLessThan(usual);
    assertThat(
            Sparse.of(
                    "train.defaults.batch=8",
                    "train.defaults.micro_batch=4",
                    "train.defaults.recompute=layers")
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
    Sparse sparse =
        Sparse.of("train.defaults.micro_batch=4", "train.defaults.data.max_tokens=4096");
    MemoryLimit limit = new MemoryLimit(sparse.forecast().bytes() - 1);
    assertThatThrownBy(() -> limit.require(sparse.stage(), sparse.model()))
        .isInstanceOf(ResourceException.class)
        .hasMessageContaining("stage sparse needs 2.")
        .hasMessageContaining("GB of memory, the machine has 2.")
        .hasMessageContaining("it fits with recompute: layers (")
        .hasMessageContaining("or with micro_batch: 1 (")
        .hasMessageContaining("or with precision: bf16 (")
        .hasMessageNotContaining("rates:");
  }

  @Test
  void whatMayNeedMoreThanItsForecastIsNotProposed() {
    Sparse sparse =
        Sparse.of("train.defaults.micro_batch=4", "train.defaults.data.max_tokens=4096");
    Sparse layers =
        Sparse.of(
            "train.defaults.micro_batch=4",
            "train.defaults.data.max_tokens=4096",
            "train.defaults.recompute=layers");
    MemoryLimit limit = new MemoryLimit(110 * layers.forecast().bytes() / 100);
    assertThatThrownBy(() -> limit.require(sparse.stage(), sparse.model()))
        .hasMessageNotContaining("with recompute: layers (");
  }

  @Test
  void settingsThatFitOnlyTogetherAreNamedTogether() {
    Sparse sparse =
        Sparse.of("train.defaults.micro_batch=4", "train.defaults.data.max_tokens=4096");
    Sparse smaller =
        Sparse.of(
            "train.defaults.micro_batch=1",
            "train.defaults.data.max_tokens=4096",
            "train.defaults.recompute=layers");
    MemoryLimit limit = new MemoryLimit(115 * smaller.forecast().bytes() / 100 + 1);
    assertThatThrownBy(() -> limit.require(sparse.stage(), sparse.model()))
        .hasMessageContaining("it fits with recompute: layers, micro_batch: 1 together (");
  }

  @Test
  void whatFitsWithNothingIsRefusedAsSuch() {
    Sparse sparse = Sparse.of();
    assertThatThrownBy(() -> new MemoryLimit(1_000_000).require(sparse.stage(), sparse.model()))
        .hasMessageContaining(
            "even with recompute: layers, micro_batch: 1, precision: bf16, rates: {experts: 0.001}")
        .hasMessageContaining("train fewer tensors, or shorter rows");
  }

  /// Peaks of runs, as docs/train.md has them.
  private static final String MEASURED =
      """
      {"model_type": "mixtral", "vocab_size": 4096, "hidden_size": 512, "intermediate_size": 1024,
       "num_hidden_layers": 6, "num_attention_heads": 8, "num_key_value_heads": 8,
       "num_local_experts": 4, "num_experts_per_tok": 2, "hidden_act": "silu",
       "rms_norm_eps": 1e-5, "rope_theta": 1e4, "max_position_embeddings": 512,
       "tie_word_embeddings": false, "sliding_window": null}
      """;

  private static final String SMOLLM2 =
      """
      {"model_type": "llama", "vocab_size": 49152, "hidden_size": 576, "intermediate_size": 1536,
       "num_hidden_layers": 30, "num_attention_heads": 9, "num_key_value_heads": 3,
       "head_dim": 64, "hidden_act": "silu", "rms_norm_eps": 1e-5, "rope_theta": 1e5,
       "max_position_embeddings": 8192, "tie_word_embeddings": true}
      """;

  /// A stage that trains everything of a model of which there is only the config.
  private static long forecast(String config, String... settings) throws IOException {
    ModelConfig read = ModelConfig.read(Files.writeString(folder.resolve("measured.json"), config));
    Composition names = Composition.read(read, Set.of());
    PlannedModel model =
        new PlannedModel(
            read,
            names,
            names.slots().map(slot -> slot.spec(DType.F32)).toList(),
            List.of(),
            Map.of());
    TrainRun.Request request =
        new Runs(folder)
            .request(
                Runs.TWO_STAGES.replaceAll("(?m)^.*name: sparse.*\n", ""),
                Stream.concat(Stream.of("train.defaults.data.max_tokens=256"), Stream.of(settings))
                    .toArray(String[]::new));
    Stage stage = request.recipe().recipe().training().orElseThrow().stages().getFirst();
    return new StageMemory(model).forecast(stage).bytes();
  }

  @Test
  void forecastsLieWithinFifteenPercentOfWhatWasMeasured() throws IOException {
    Percentage near = Percentage.withPercentage(15);
    String[] four = {"train.defaults.batch=4", "train.defaults.micro_batch=4"};
    String[] layers = {four[0], four[1], "train.defaults.recompute=layers"};
    String[] reduced = {layers[0], layers[1], layers[2], "train.defaults.precision=bf16"};
    String[] one = {"train.defaults.batch=1", "train.defaults.micro_batch=1"};
    assertThat(forecast(MEASURED, four)).isCloseTo(2_045_000_000L, near);
    assertThat(forecast(MEASURED, layers)).isCloseTo(1_966_000_000L, near);
    assertThat(forecast(MEASURED, reduced)).isCloseTo(2_298_000_000L, near);
    assertThat(forecast(SMOLLM2, one)).isCloseTo(5_016_000_000L, near);
    assertThat(forecast(SMOLLM2, one[0], one[1], "train.defaults.recompute=layers"))
        .isCloseTo(4_863_000_000L, near);
  }

  @Test
  void gradientsOfEarlierMicroBatchesStayBesideActivations() throws IOException {
    String[] alone = {"train.defaults.batch=4", "train.defaults.micro_batch=4"};
    String[] second = {"train.defaults.batch=8", "train.defaults.micro_batch=4"};
    assertThat(forecast(MEASURED, second)).isGreaterThan(forecast(MEASURED, alone));
  }
}
