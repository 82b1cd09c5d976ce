package dev.upcycle.kernels.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.kernels.KernelException;
import dev.upcycle.kernels.ScopePerTest;
import dev.upcycle.kernels.tensor.DType;
import dev.upcycle.kernels.tensor.Fused;
import dev.upcycle.kernels.tensor.Gradients;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.Tensors;
import java.util.List;
import java.util.Map;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(ScopePerTest.class)
class AdamWTest {
  private static final Fused.AdamWRates RATES = new Fused.AdamWRates(0.01, 0.9, 0.95, 0.1, 1e-8);
  private static final int STEPS = 5;

  /// The gradient of `Σ x³ / 3`.
  private static void collect(Tensor x) {
    Gradients.clear(x);
    Gradients.backward(x.square().times(x).sum().over(3));
  }

  private static double[] loops(float[] start) {
    double[] x = new double[start.length];
    double[] mean = new double[start.length];
    double[] square = new double[start.length];
    for (int i = 0; i < start.length; i++) {
      x[i] = start[i];
      for (int step = 1; step <= STEPS; step++) {
        double gradient = x[i] * x[i];
        x[i] *= 1 - 0.01 * 0.1;
        mean[i] = 0.9 * mean[i] + 0.1 * gradient;
        square[i] = 0.95 * square[i] + 0.05 * gradient * gradient;
        double corrected = Math.sqrt(square[i] / (1 - Math.pow(0.95, step))) + 1e-8;
        x[i] -= 0.01 * mean[i] / (1 - Math.pow(0.9, step)) / corrected;
      }
    }
    return x;
  }

  @Test
  void stepsMatchTheLoops() {
    Tensor x = Gradients.track(Tensors.normal(1, 3, 4));
    double[] expected = loops(x.toFloats());
    try (AdamW optimizer = new AdamW(Map.of("x", x))) {
      for (int step = 0; step < STEPS; step++) {
        collect(x);
        optimizer.step(RATES);
      }
      float[] actual = x.toFloats();
      for (int i = 0; i < actual.length; i++) {
        assertThat((double) actual[i]).isCloseTo(expected[i], Offset.offset(1e-5));
      }
      AdamW.Moments moments = optimizer.moments().get("x");
      assertThat(moments == null ? -1 : moments.steps().item()).isEqualTo(STEPS);
    }
  }

  @Test
  void aParameterWithoutAGradientStays() {
    Tensor moved = Gradients.track(Tensors.normal(1, 3));
    Tensor still = Gradients.track(Tensors.normal(2, 3));
    Tensor before = still.copy();
    try (AdamW optimizer = new AdamW(Map.of("moved", moved, "still", still))) {
      collect(moved);
      optimizer.step(RATES);
      assertThat(still.isEqualTo(before)).isTrue();
      optimizer.clearGradients();
      assertThat(Gradients.find(moved)).isEmpty();
      optimizer.step(RATES);
    }
  }

  @Test
  void aReducedParameterIsRefusedByName() {
    Tensor reduced = Tensors.zeros(DType.BF16, 2);
    assertThatThrownBy(() -> new AdamW(Map.of("router", reduced)))
        .isInstanceOf(KernelException.class)
        .hasMessageContaining("router")
        .hasMessageContaining("BF16");
  }

  @Test
  void aStridedParameterIsRefusedByName() {
    Tensor strided = Tensors.normal(1, 3, 5).transpose(0, 1);
    assertThatThrownBy(() -> new AdamW(Map.of("router", strided)))
        .isInstanceOf(KernelException.class)
        .hasMessageContaining("router")
        .hasMessageContaining("contiguous");
  }

  @Test
  void clippingShortensTogetherAndTellsTheLengthBefore() {
    Tensor a = Gradients.track(Tensors.of(new float[] {3}, 1));
    Tensor b = Gradients.track(Tensors.of(new float[] {4}, 1));
    Gradients.backward(a.square().plus(b.square()).sum().over(2));
    assertThat(GradientNorm.clip(List.of(a, b), 10)).isEqualTo(5);
    assertThat(Gradients.find(a).orElseThrow().item()).isEqualTo(3);
    assertThat(GradientNorm.clip(List.of(a, b), 1)).isEqualTo(5);
    assertThat(Gradients.find(a).orElseThrow().item()).isCloseTo(0.6, Offset.offset(1e-5));
    assertThat(Gradients.find(b).orElseThrow().item()).isCloseTo(0.8, Offset.offset(1e-5));
  }

  @Test
  void noGradientsHaveLengthZeroAndInfiniteOnesAreLeft() {
    Tensor x = Gradients.track(Tensors.of(new float[] {0}, 1));
    assertThat(GradientNorm.clip(List.of(x), 1)).isZero();
    Gradients.backward(x.log().sum());
    assertThat(GradientNorm.clip(List.of(x), 1)).isInfinite();
    assertThat(Gradients.find(x).orElseThrow().item()).isInfinite();
  }
}
