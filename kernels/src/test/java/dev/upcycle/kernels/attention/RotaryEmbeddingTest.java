package dev.upcycle.kernels.attention;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.kernels.ScopePerTest;
import dev.upcycle.kernels.tensor.DType;
import dev.upcycle.kernels.tensor.Device;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.Tensors;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(ScopePerTest.class)
class RotaryEmbeddingTest {
  private static final int HEAD = 8;
  private static final double THETA = 10000;

  private static float[] cosines(RopeScaling scaling, long position) {
    return new RotaryEmbedding(HEAD, THETA, scaling)
        .at(Device.CPU, DType.F32, position)
        .cosine()
        .toFloats();
  }

  private static double frequency(int pair) {
    return Math.pow(THETA, -2.0 * pair / HEAD);
  }

  @Test
  void dimensionITurnsWithDimensionIPlusHalf() {
    Tensor x = Tensors.normal(1, 1, 1, 1, HEAD);
    var rotation =
        new RotaryEmbedding(HEAD, THETA, new RopeScaling.Unscaled()).at(Device.CPU, DType.F32, 7);
    float[] input = x.toFloats();
    float[] turned = rotation.apply(x).toFloats();
    for (int pair = 0; pair < HEAD / 2; pair++) {
      double angle = 7 * frequency(pair);
      double a = input[pair];
      double b = input[pair + HEAD / 2];
      assertThat((double) turned[pair])
          .isCloseTo(a * Math.cos(angle) - b * Math.sin(angle), Offset.offset(1e-5));
      assertThat((double) turned[pair + HEAD / 2])
          .isCloseTo(b * Math.cos(angle) + a * Math.sin(angle), Offset.offset(1e-5));
    }
  }

  @Test
  void linearScalingDividesPositions() {
    assertThat(cosines(new RopeScaling.LinearScaling(4), 8))
        .containsExactly(cosines(new RopeScaling.Unscaled(), 2), Offset.offset(1e-6f));
  }

  @Test
  void llama3KeepsHighDividesLowAndBlendsBetween() {
    float[] scaled = cosines(new RopeScaling.Llama3(8, 1, 4, 256), 3);
    for (int pair = 0; pair < HEAD / 2; pair++) {
      double base = frequency(pair);
      double wavelength = 2 * Math.PI / base;
      double smooth = Math.clamp((256 / wavelength - 1) / (4.0 - 1), 0, 1);
      double expected = (1 - smooth) * base / 8 + smooth * base;
      assertThat((double) scaled[pair]).isCloseTo(Math.cos(3 * expected), Offset.offset(1e-5));
    }
    assertThat(scaled[0]).isEqualTo(cosines(new RopeScaling.Unscaled(), 3)[0]);
  }

  @Test
  void yarnRampsOverPairsAndWarmsTheAttention() {
    float[] scaled = cosines(RopeScaling.Yarn.of(4, 64), 5);
    double factor = 0.1 * Math.log(4) + 1;
    double low = Math.floor(4 * Math.log(64 / (32 * 2 * Math.PI)) / Math.log(THETA));
    double high = Math.ceil(4 * Math.log(64 / (2 * Math.PI)) / Math.log(THETA));
    for (int pair = 0; pair < HEAD / 2; pair++) {
      double ramp = Math.clamp((pair - Math.max(low, 0)) / (high - Math.max(low, 0)), 0, 1);
      double expected = frequency(pair) * (ramp / 4 + (1 - ramp));
      assertThat((double) scaled[pair])
          .isCloseTo(factor * Math.cos(5 * expected), Offset.offset(1e-5));
    }
  }

  @Test
  void aStatedAttentionFactorIsTaken() {
    assertThat(cosines(new RopeScaling.Yarn(4, 64, 32, 1, 2.0), 0)[0]).isEqualTo(2);
  }

  @Test
  void anOddHeadIsRefused() {
    assertThatThrownBy(() -> new RotaryEmbedding(7, THETA, new RopeScaling.Unscaled()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("7");
  }
}
