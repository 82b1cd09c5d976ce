package dev.upcycle.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.kernels.attention.RopeScaling;
import dev.upcycle.kernels.attention.RotaryEmbedding;
import dev.upcycle.kernels.tensor.DType;
import dev.upcycle.kernels.tensor.Device;
import dev.upcycle.kernels.tensor.TensorScope;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

class RotarySettingsTest {
  private static final int HEAD = 16;
  private static final double THETA = 10_000;

  /// Of transformers 4.57.6 and 5.23.0 alike, for a factor of 8 from 64 positions although the
  /// config has 256: both say so and take the 8.
  private static final double[] FREQUENCIES = {
    1.0, 0.2239946573972702, 0.0416666641831398, 0.0039528473280370235,
    0.0012499999720603228, 0.00039528473280370235, 0.0001250000059371814, 3.9528473280370235e-05
  };

  private static final double ATTENTION_FACTOR = 1.2079441541679836;

  @Test
  void yarnTakesTheFactorStatedWhateverThePositionsSay() {
    float[] cosines = cosines(of("8.0"), 37);

    for (int pair = 0; pair < FREQUENCIES.length; pair++) {
      assertThat((double) cosines[pair])
          .isCloseTo(ATTENTION_FACTOR * Math.cos(37 * FREQUENCIES[pair]), Offset.offset(1e-5));
    }
    assertThat(cosines).isNotEqualTo(cosines(of("4.0"), 37));
  }

  @Test
  void yarnWithoutAFactorTakesTheRatioOfThePositions() {
    assertThat(cosines(of("null"), 37))
        .isEqualTo(
            cosines(new RotaryEmbedding(HEAD, THETA, RopeScaling.Yarn.of(256.0 / 64, 64)), 37));
  }

  @Test
  void yarnThatDoesNotEvenNameAFactorIsRefused() {
    assertThatThrownBy(() -> RotarySettings.of(config(""), THETA, HEAD))
        .isInstanceOf(CheckpointFormatException.class)
        .hasMessageContaining("lacks 'factor'");
  }

  private static RotaryEmbedding of(String factor) {
    return RotarySettings.of(config("\"factor\": " + factor + ", "), THETA, HEAD);
  }

  private static ModelConfig config(String factor) {
    return ModelConfig.of(
        (ObjectNode)
            JsonMapper.shared()
                .readTree(
                    """
                    {"max_position_embeddings": 256, "rope_theta": 10000.0, "rope_scaling":
                     {%s"rope_type": "yarn", "original_max_position_embeddings": 64}}
                    """
                        .formatted(factor)));
  }

  private static float[] cosines(RotaryEmbedding embedding, long position) {
    try (TensorScope _ = TensorScope.open()) {
      return embedding.at(Device.CPU, DType.F32, position).cosine().toFloats();
    }
  }
}
