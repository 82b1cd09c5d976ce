package dev.upcycle.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.fixtures.dense.DenseFixture;
import dev.upcycle.fixtures.dense.DenseFixture.Bias;
import dev.upcycle.kernels.KernelException;
import dev.upcycle.kernels.tensor.DType;
import dev.upcycle.kernels.tensor.Device;
import dev.upcycle.kernels.tensor.Gradients;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.TensorScope;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// What a model takes from a checkpoint, and what it refuses.
@ExtendWith(ScopePerTest.class)
class BindingTest {
  private static final Path MAPS = Path.of("/proc/self/maps");
  private static final String GATE = "model.layers.0.mlp.gate_proj.weight";

  @TempDir Path folder;

  private Checkpoint dense(DenseFixture fixture) {
    return Checkpoint.open(fixture.write(folder.resolve("dense")));
  }

  private static DecoderModel open(Checkpoint checkpoint) {
    return DecoderModel.open(checkpoint, ModelOptions.cpu());
  }

  @Test
  void parametersAreTheCheckpointsTensorsByName() {
    Checkpoint checkpoint = dense(DenseFixture.mistral().shards(2));
    try (DecoderModel model = open(checkpoint)) {
      assertThat(model.parameters().keySet()).isEqualTo(checkpoint.tensors().keySet());
    }
  }

  @Test
  void missingAndLeftOverTensorsAreAnErrorNamingThemAll() {
    Checkpoint checkpoint =
        dense(
            DenseFixture.mistral().without(GATE).without("lm_head.weight").with("vision.patch", 3));
    assertThatThrownBy(() -> open(checkpoint))
        .isInstanceOf(CheckpointFormatException.class)
        .hasMessageContaining(GATE + " [24, 16] is missing")
        .hasMessageContaining("lm_head.weight [32, 16] is missing")
        .hasMessageContaining("vision.patch [3] is left over");
  }

  @Test
  void aShapeThatTheConfigContradictsIsNamedWithBoth() {
    Checkpoint checkpoint = dense(DenseFixture.mistral().config("intermediate_size", "32"));
    assertThatThrownBy(() -> open(checkpoint))
        .isInstanceOf(CheckpointFormatException.class)
        .hasMessageContaining(GATE + " is [24, 16], expected [32, 16]");
  }

  @Test
  void aLayerBeyondTheConfigIsLeftOver() {
    Checkpoint checkpoint = dense(DenseFixture.mistral().config("num_hidden_layers", "1"));
    assertThatThrownBy(() -> open(checkpoint))
        .isInstanceOf(CheckpointFormatException.class)
        .hasMessageContaining("model.layers.1.mlp.gate_proj.weight [24, 16] is left over");
  }

  @Test
  void aConfigOfABillionExpertsIsRefusedBeforeTheyAreNamed() {
    GoldenCase golden = GoldenCase.read("mixtral");
    assertThatThrownBy(() ->
            open(
                EditedModel.of(golden.checkpoint())
                    .config("num_local_experts", "100000")
                    .config("num_hidden_layers", "90")
                    .write(folder.resolve("absurd"))))
        .isInstanceOf(CheckpointFormatException.class)
        .hasMessageContaining("27000632 tensors");
  }

  @Test
  void biasesThatTheConfigPromisesAreUsed() {
    try (DecoderModel model = open(dense(DenseFixture.llama().attentionBias(Bias.NONZERO)))) {
      assertThat(model.parameters()).containsKey("model.layers.0.self_attn.q_proj.bias");
      assertThat(model.layers().getFirst().attention().projections().query().bias()).isNotNull();
    }
  }

  @Test
  void biasesThatTheConfigDoesNotPromiseMustBeZero() {
    DenseFixture nonzero = DenseFixture.llama().attentionBias(Bias.NONZERO);
    assertThatThrownBy(() -> open(dense(nonzero.config("attention_bias", "false"))))
        .isInstanceOf(CheckpointFormatException.class)
        .hasMessageContaining("model.layers.0.self_attn.q_proj.bias is not zero")
        .hasMessageContaining("and 2 tensors more");
    DenseFixture zero = DenseFixture.llama().attentionBias(Bias.ZERO);
    Path path = zero.config("attention_bias", "false").write(folder.resolve("zero"));
    try (DecoderModel model = open(Checkpoint.open(path))) {
      assertThat(model.layers().getFirst().attention().projections().query().bias()).isNull();
    }
  }

  @Test
  void aStoredHeadOfATiedModelMustEqualTheEmbedding() {
    try (DecoderModel model = open(dense(DenseFixture.llama().tiedWithStoredHead()))) {
      assertThat(model.parameters()).doesNotContainKey("lm_head.weight");
    }
    Path other =
        DenseFixture.llama().config("tie_word_embeddings", "true").write(folder.resolve("o"));
    assertThatThrownBy(() -> open(Checkpoint.open(other)))
        .isInstanceOf(CheckpointFormatException.class)
        .hasMessageContaining("lm_head.weight differs from the embedding");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "hidden_act | \"relu\" | hidden_act",
        "rope_scaling | {\"rope_type\": \"longrope\", \"factor\": 2.0} | longrope",
        "rope_scaling | {\"rope_type\": \"linear\"} | lacks 'factor'",
        "model_type | \"gpt2\" | gpt2"
      })
  void whatIsNotBuiltIsRefusedNamingIt(String key, String value, String named) {
    Checkpoint checkpoint =
        dense(DenseFixture.llama().spelling(DenseFixture.Spelling.V4).config(key, value));
    assertThatThrownBy(() -> open(checkpoint))
        .isInstanceOf(CheckpointFormatException.class)
        .hasMessageContaining(named);
  }

  @Test
  void weightsOfTheComputedTypeAreTheFilesOwnPages() throws IOException {
    assumeTrue(Files.exists(MAPS));
    Checkpoint checkpoint = dense(DenseFixture.mistral());
    try (DecoderModel mapped = open(checkpoint)) {
      assertThat(fileAt(gate(mapped).address())).contains("model.safetensors");
    }
    try (DecoderModel converted =
        DecoderModel.open(checkpoint, new ModelOptions(Device.CPU, DType.BF16))) {
      assertThat(gate(converted).dtype()).isEqualTo(DType.BF16);
      assertThat(fileAt(gate(converted).address())).doesNotContain("model.safetensors");
      assertThat(mappings()).isEmpty();
    }
  }

  @Test
  void aWalkLeavesNothingMapped() throws IOException {
    assumeTrue(Files.exists(MAPS));
    LayerWalk walk = LayerWalk.open(dense(DenseFixture.mistral()), Device.CPU);
    Tensor hidden = walk.embed(GoldenCase.batch(1, 2, 3));
    Tensor normalised = walk.normalise(walk.layer(0, hidden).hidden());
    walk.logits(normalised, 0, walk.vocab());
    assertThat(mappings()).isEmpty();
  }

  @Test
  void changingAParameterNeverReachesTheFile() throws IOException {
    Checkpoint checkpoint = dense(DenseFixture.mistral());
    Path file = checkpoint.files().getFirst().path();
    byte[] before = Files.readAllBytes(file);
    try (DecoderModel model = open(checkpoint);
        Gradients.Pause _ = Gradients.pause()) {
      gate(model).timesInPlace(2);
    }
    assertThat(Files.readAllBytes(file)).isEqualTo(before);
  }

  @Test
  void aClosedModelSaysSo() {
    DecoderModel model = open(dense(DenseFixture.mistral()));
    model.close();
    assertThatThrownBy(() -> model.forward(GoldenCase.batch(1), ForwardPass.plain()))
        .isInstanceOf(KernelException.class)
        .hasMessageContaining("after its TensorScope had closed");
  }

  @Test
  void whatAPassGivesOutlivesTheScopesOfItsLayersAndNothingElseDoes() {
    GoldenCase golden = GoldenCase.read("qwen2-moe-norm");
    try (DecoderModel model = open(golden.checkpoint())) {
      DecoderOutput output;
      try (TensorScope _ = TensorScope.open()) {
        output = model.forward(golden.ids(), ForwardPass.plain());
        assertThat(output.routings().getFirst().routing().weights().toFloats()).isNotEmpty();
      }
      assertThatThrownBy(() -> output.logits().shape()).isInstanceOf(KernelException.class);
    }
  }

  @Test
  void aWordThatIsNoTypeIsRefused() {
    assertThat(ModelOptions.of("cpu", "BF16").compute()).isEqualTo(DType.BF16);
    assertThatThrownBy(() -> ModelOptions.of("cpu", "f16"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("expected f32 or bf16");
  }

  private static Tensor gate(DecoderModel model) {
    return Objects.requireNonNull(model.parameters().get(GATE));
  }

  /// The mappings of this test's own files.
  private List<String> mappings() throws IOException {
    return Files.readAllLines(MAPS).stream()
        .filter(line -> line.contains(folder.toString()))
        .toList();
  }

  /// The mapping that an address lies in.
  private static String fileAt(long address) throws IOException {
    for (String line : Files.readAllLines(MAPS)) {
      String[] bounds = line.substring(0, line.indexOf(' ')).split("-", 2);
      if (Long.compareUnsigned(address, Long.parseUnsignedLong(bounds[0], 16)) >= 0
          && Long.compareUnsigned(address, Long.parseUnsignedLong(bounds[1], 16)) < 0) {
        return line;
      }
    }
    return "";
  }
}
