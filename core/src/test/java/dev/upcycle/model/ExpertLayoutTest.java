package dev.upcycle.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.kernels.tensor.Gradients;
import dev.upcycle.kernels.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// How experts may lie on disk.
@ExtendWith(ScopePerTest.class)
class ExpertLayoutTest {
  private static final double F32 = 1e-5;
  private static final int EXPERTS = 4;

  @TempDir Path folder;

  private static Tensor logits(Checkpoint checkpoint, GoldenCase golden) {
    try (DecoderModel model = DecoderModel.open(checkpoint, ModelOptions.cpu());
        Gradients.Pause _ = Gradients.pause()) {
      return model.forward(golden.ids(), ForwardPass.plain()).logits();
    }
  }

  @ParameterizedTest
  @CsvSource({"mixtral, block_sparse_moe", "qwen2-moe-norm, mlp", "qwen3-moe-norm, mlp"})
  void permutingExpertsWithTheirRouterRowsChangesNothing(String name, String block)
      throws IOException {
    GoldenCase golden = GoldenCase.read(name);
    EditedModel model = EditedModel.of(golden.checkpoint());
    int[] order = {2, 0, 3, 1};
    String layer = "model.layers.0." + block;
    List<String> parts =
        golden.checkpoint().tensors().keySet().stream()
            .filter(tensor -> tensor.startsWith(layer + ".experts.0."))
            .map(tensor -> tensor.substring((layer + ".experts.0.").length()))
            .toList();
    assertThat(parts).hasSize(3);
    for (String part : parts) {
      for (int expert = 0; expert < EXPERTS; expert++) {
        model.renamed(layer + ".experts." + expert + "." + part, "aside." + expert + "." + part);
      }
      for (int expert = 0; expert < EXPERTS; expert++) {
        model.renamed(
            "aside." + order[expert] + "." + part, layer + ".experts." + expert + "." + part);
      }
    }
    Tensor expertsOnly = logits(model.write(folder.resolve("experts")), golden);
    assertThat(GoldenCase.relativeError(golden.tensor("logits"), expertsOnly)).isGreaterThan(0.01);
    Tensor both =
        logits(model.rows(layer + ".gate.weight", order).write(folder.resolve("both")), golden);
    assertThat(GoldenCase.relativeError(golden.tensor("logits"), both)).isLessThan(F32);
  }

  @ParameterizedTest
  @CsvSource({
    "mixtral, block_sparse_moe, w1, w3, w2",
    "qwen2-moe-norm, mlp, gate_proj, up_proj, down_proj",
    "qwen3-moe-norm, mlp, gate_proj, up_proj, down_proj"
  })
  void theFusedLayoutOfTransformers5IsTheSameModel(
      String name, String block, String gate, String up, String down) throws IOException {
    GoldenCase golden = GoldenCase.read(name);
    Checkpoint fused = fused(golden, block, List.of(gate, up, down));
    assertThat(fused.tensors()).containsKey("model.layers.1.mlp.experts.gate_up_proj");
    assertThat(GoldenCase.relativeError(golden.tensor("logits"), logits(fused, golden)))
        .isLessThan(F32);
  }

  @Test
  void aMixtureOfBothLayoutsIsRefused() throws IOException {
    GoldenCase golden = GoldenCase.read("mixtral");
    Checkpoint fused = fused(golden, "block_sparse_moe", List.of("w1", "w3", "w2"));
    String old = "model.layers.0.block_sparse_moe.gate.weight";
    Checkpoint mixed =
        EditedModel.of(fused)
            .copied("model.layers.0.mlp.gate.weight", old)
            .write(folder.resolve("mixed"));
    assertThatThrownBy(() -> DecoderModel.open(mixed, ModelOptions.cpu()))
        .isInstanceOf(CheckpointFormatException.class)
        .hasMessageContaining(old + " [4, 32] is left over");
  }

  private Checkpoint fused(GoldenCase golden, String block, List<String> parts) throws IOException {
    EditedModel model = EditedModel.of(golden.checkpoint());
    for (int layer = 0; layer < 2; layer++) {
      String prefix = "model.layers." + layer + ".";
      List<String> gateUp = new ArrayList<>();
      List<String> down = new ArrayList<>();
      for (int expert = 0; expert < EXPERTS; expert++) {
        String experts = prefix + block + ".experts." + expert + ".";
        gateUp.add(experts + parts.get(0) + ".weight");
        gateUp.add(experts + parts.get(1) + ".weight");
        down.add(experts + parts.get(2) + ".weight");
      }
      model.stacked(prefix + "mlp.experts.gate_up_proj", gateUp, EXPERTS, 2 * 16, 32);
      model.stacked(prefix + "mlp.experts.down_proj", down, EXPERTS, 32, 16);
      if (!block.equals("mlp")) {
        model.renamed(prefix + block + ".gate.weight", prefix + "mlp.gate.weight");
      }
    }
    return model.write(folder.resolve("fused"));
  }

  @Test
  void anUpcycledModelThatKeepsEveryExpertEqualComputesTheDenseFunction() throws IOException {
    GoldenCase golden = GoldenCase.read("mistral-plain");
    EditedModel model = EditedModel.of(golden.checkpoint());
    int layers = Math.toIntExact(golden.checkpoint().config().requireLong("num_hidden_layers"));
    for (int layer = 0; layer < layers; layer++) {
      String prefix = "model.layers." + layer + ".";
      for (int expert = 0; expert < 2; expert++) {
        String to = prefix + "block_sparse_moe.experts." + expert + ".";
        model
            .copied(prefix + "mlp.gate_proj.weight", to + "w1.weight")
            .copied(prefix + "mlp.up_proj.weight", to + "w3.weight")
            .copied(prefix + "mlp.down_proj.weight", to + "w2.weight");
      }
      long hidden = golden.checkpoint().config().requireLong("hidden_size");
      model
          .copied(prefix + "input_layernorm.weight", prefix + "one")
          .copied(prefix + "post_attention_layernorm.weight", prefix + "two")
          .stacked(
              prefix + "block_sparse_moe.gate.weight",
              List.of(prefix + "one", prefix + "two"),
              2,
              hidden)
          .without(prefix + "mlp.gate_proj.weight")
          .without(prefix + "mlp.up_proj.weight")
          .without(prefix + "mlp.down_proj.weight");
    }
    Checkpoint target =
        model
            .config("model_type", "\"mixtral\"")
            .config("num_local_experts", "2")
            .config("num_experts_per_tok", "2")
            .write(folder.resolve("moe"));
    assertThat(GoldenCase.relativeError(golden.tensor("logits"), logits(target, golden)))
        .isLessThan(F32);
  }
}
