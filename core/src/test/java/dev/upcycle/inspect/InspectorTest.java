package dev.upcycle.inspect;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.TestRecipes;
import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.DType;
import dev.upcycle.checkpoint.write.CheckpointWriter;
import dev.upcycle.convert.PlanExecutor;
import dev.upcycle.convert.Progress;
import dev.upcycle.estimate.Estimate;
import dev.upcycle.fixtures.dense.DenseFixture;
import dev.upcycle.fixtures.dense.DenseFixture.Bias;
import dev.upcycle.inspect.Inspection.Possible;
import dev.upcycle.plan.Planner;
import dev.upcycle.plan.UpcyclePlan;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class InspectorTest {
  @TempDir Path folder;

  private Inspection inspect(DenseFixture fixture) {
    return Inspector.inspect(Checkpoint.open(fixture.write(folder.resolve("dense"))));
  }

  @Test
  void aSingleFileWithoutAConfigIsInspectedByItsHeader() throws IOException {
    Path dense = DenseFixture.mistral().dtype("BF16").write(folder.resolve("headers-only"));
    Files.delete(dense.resolve("config.json"));
    Inspection inspection =
        Inspector.inspect(Checkpoint.openFile(dense.resolve("model.safetensors")));
    assertThat(inspection.family()).isEqualTo("unknown");
    assertThat(inspection.dtypes()).containsOnlyKeys(DType.BF16);
    assertThat(inspection.parameters().total()).isPositive();
    assertThat(inspection.notes()).anyMatch(note -> note.contains("no config.json"));
    assertThat(inspection.verdicts())
        .isNotEmpty()
        .allMatch(verdict -> verdict.possible() == Inspection.Possible.NO);
  }

  @Test
  void aDenseModelShowsItsSizesAndWhatItCanBecome() {
    Inspection inspection = inspect(DenseFixture.mistral().shards(2).dtype("BF16"));
    assertThat(inspection.family()).isEqualTo("mistral");
    assertThat(inspection.sizes())
        .contains(new Inspection.Sizes(2, 16, 24, 4, 2, 4, OptionalLong.of(32)));
    assertThat(inspection.parameters().total()).isEqualTo(2 * 512 + 16 + 2 * (768 + 1152 + 32));
    assertThat(inspection.files()).hasSize(2);
    assertThat(inspection.feedForward())
        .containsExactly(
            new Inspection.FeedForward(0, 1, "gate [24, 16], up [24, 16], down [16, 24]"));
    assertThat(inspection.verdicts())
        .singleElement()
        .satisfies(verdict -> assertThat(verdict.possible()).isEqualTo(Possible.YES));
    assertThat(inspection.toJson().get("schema").asString()).isEqualTo("upcycle/inspect/1");
  }

  @Test
  void biasesAreAProvisoSinceHeadersDoNotShowThem() {
    Inspection inspection = inspect(DenseFixture.llama().attentionBias(Bias.NONZERO));
    assertThat(inspection.verdicts())
        .singleElement()
        .satisfies(
            verdict -> assertThat(verdict.reason()).contains("self_attn.q_proj.bias", "all zero"));
  }

  @Test
  void anUnknownFamilyShowsWhatHeadersTell() {
    Inspection inspection = inspect(DenseFixture.mistral().config("model_type", "\"unheard_of\""));
    assertThat(inspection.sizes()).isEmpty();
    assertThat(inspection.parameters().total()).isPositive();
    assertThat(inspection.verdicts().getFirst().possible()).isEqualTo(Possible.NO);
  }

  @Test
  void aMixtralShowsItsExpertsAndTheEstimatedParameters() {
    Path dense = DenseFixture.mistral().write(folder.resolve("dense"));
    Checkpoint source = Checkpoint.open(dense);
    UpcyclePlan plan = Planner.plan(source, TestRecipes.fourByTwo());
    Path out = folder.resolve("moe");
    PlanExecutor.run(
        plan,
        source,
        new PlanExecutor.Options(out, CheckpointWriter.Mode.FRESH, 1),
        Progress.SILENT);
    Inspection inspection = Inspector.inspect(Checkpoint.open(out));
    assertThat(inspection.experts()).contains(new Inspection.ExpertLayout("per-expert", 4, 2));
    Estimate estimate = Estimate.of(plan);
    assertThat(inspection.parameters()).isEqualTo(estimate.parameters());
    assertThat(estimate.parameters().total() - estimate.parameters().active())
        .isEqualTo(2 * 2 * 1152);
    assertThat(estimate.bytes()).isEqualTo(inspection.files().getFirst().bytes());
    assertThat(inspection.verdicts().getFirst().reason()).contains("already");
  }

  @Test
  void aMixtralWhoseExpertsAreFusedShowsThemToo() {
    DenseFixture fixture =
        DenseFixture.llama()
            .layers(1)
            .config("model_type", "\"mixtral\"")
            .config("num_local_experts", "4")
            .config("num_experts_per_tok", "2")
            .without("model.layers.0.mlp.gate_proj.weight")
            .without("model.layers.0.mlp.up_proj.weight")
            .without("model.layers.0.mlp.down_proj.weight")
            .with("model.layers.0.mlp.gate.weight", 4, 16)
            .with("model.layers.0.mlp.experts.gate_up_proj", 4, 48, 16)
            .with("model.layers.0.mlp.experts.down_proj", 4, 16, 24);
    Inspection inspection = inspect(fixture);
    assertThat(inspection.experts()).contains(new Inspection.ExpertLayout("fused", 4, 2));
    assertThat(inspection.feedForward())
        .containsExactly(new Inspection.FeedForward(0, 0, "gate-up [4, 48, 16], down [4, 16, 24]"));
    assertThat(inspection.parameters().total() - inspection.parameters().active())
        .isEqualTo(2 * 3 * 16 * 24);
  }

  @Test
  void theKeyValueCacheEndsAtTheSlidingWindow() {
    Path dense =
        DenseFixture.mistral().config("sliding_window", "16").write(folder.resolve("dense"));
    Estimate estimate = Estimate.of(Planner.plan(Checkpoint.open(dense), TestRecipes.fourByTwo()));
    assertThat(estimate.kvCacheBytesPerToken()).isEqualTo(2 * 2 * 2 * 4 * 4);
    assertThat(estimate.kvCacheTokens()).isEqualTo(16);
    assertThat(estimate.kvCacheBytes()).isEqualTo(16 * 128);
  }

  @Test
  void peakMemoryGrowsWithThreadsAndCastsOnly() {
    Path dense = DenseFixture.mistral().write(folder.resolve("dense"));
    Checkpoint source = Checkpoint.open(dense);
    Estimate copied = Estimate.of(Planner.plan(source, TestRecipes.fourByTwo()));
    Estimate cast = Estimate.of(Planner.plan(source, TestRecipes.fourByTwo("output.dtype=bf16")));
    assertThat(cast.bufferBytesPerThread()).isEqualTo((1L << 19) * (4 + 2));
    assertThat(cast.peakResidentBytes(3) - cast.peakResidentBytes(1))
        .isEqualTo(2 * cast.bufferBytesPerThread());
    assertThat(copied.peakResidentBytes(1)).isLessThan(cast.peakResidentBytes(1));
  }
}
