package dev.upcycle.kernels.norm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.kernels.ScopePerTest;
import dev.upcycle.kernels.tensor.DType;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.Tensors;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(ScopePerTest.class)
class NormTest {
  private static final Offset<Float> CLOSE = Offset.offset(1e-6f);
  private final float[] x = {1, -2, 3, 0.5f};
  private final float[] weight = {2, 1, 0.5f, -1};
  private final float[] bias = {0.1f, 0.2f, 0.3f, 0.4f};

  @Test
  void rmsNormDividesByTheRootMeanSquare() {
    double meanSquare = (1 + 4 + 9 + 0.25) / 4 + 1e-5;
    Tensor y = new Norm.RmsNorm(Tensors.of(weight, 4), 1e-5).forward(Tensors.of(x, 1, 4));
    for (int i = 0; i < 4; i++) {
      assertThat(y.toFloats()[i])
          .isCloseTo((float) (weight[i] * x[i] / Math.sqrt(meanSquare)), CLOSE);
    }
  }

  @Test
  void rmsNormComputesInFloatAndRoundsBeforeTheWeight() {
    Tensor input = Tensors.normal(1, 3, 64).to(DType.BF16);
    Tensor ones = Tensors.full(DType.F32, 1, 64);
    Tensor wide = new Norm.RmsNorm(ones, 1e-6).forward(input.to(DType.F32));
    Tensor narrow = new Norm.RmsNorm(ones.to(DType.BF16), 1e-6).forward(input);
    assertThat(narrow.dtype()).isEqualTo(DType.BF16);
    assertThat(narrow.isEqualTo(wide.to(DType.BF16))).isTrue();
  }

  @Test
  void layerNormDividesByTheDeviationAndShifts() {
    double mean = 2.5 / 4;
    double variance = 0;
    for (float value : x) {
      variance += (value - mean) * (value - mean) / 4;
    }
    Norm norm = new Norm.LayerNorm(Tensors.of(weight, 4), Tensors.of(bias, 4), 1e-5);
    float[] y = norm.forward(Tensors.of(x, 1, 4)).toFloats();
    for (int i = 0; i < 4; i++) {
      double expected = (x[i] - mean) / Math.sqrt(variance + 1e-5) * weight[i] + bias[i];
      assertThat(y[i]).isCloseTo((float) expected, CLOSE);
    }
  }
}
