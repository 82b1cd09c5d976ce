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
import java.util.Objects;
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
  void aReducedParameterIsItsFloatMasterRounded() {
    Tensor x = Gradients.track(Tensors.normal(1, 3, 4).to(DType.BF16));
    try (AdamW optimizer = new AdamW(Map.of("x", x))) {
      Tensor before = Gradients.detach(x).copy();
      // Each step is far below half of a rounding of bfloat16 at 1.
      Fused.AdamWRates small = new Fused.AdamWRates(1e-4, 0.9, 0.95, 0, 1e-8);
      for (int step = 0; step < 200; step++) {
        collect(x);
        optimizer.step(small);
      }
      AdamW.Moments moments = Objects.requireNonNull(optimizer.moments().get("x"));
      assertThat(moments.master().dtype()).isEqualTo(DType.F32);
      assertThat(x.isEqualTo(moments.master().to(DType.BF16))).isTrue();
      double moved = before.minus(x).to(DType.F32).abs().max().item();
      assertThat(moved).isCloseTo(0.02, Offset.offset(0.005));
    }
  }

  @Test
  void aFactorStepsAsIfGradientsWereMultiplied() {
    Tensor x = Gradients.track(Tensors.normal(1, 3, 4));
    Tensor y = Gradients.track(Gradients.detach(x).copy());
    // An epsilon that matters, for AdamW's steps depend on the scale of gradients by it alone.
    Fused.AdamWRates rates = new Fused.AdamWRates(0.01, 0.9, 0.95, 0.1, 0.5);
    try (AdamW one = new AdamW(Map.of("x", x));
        AdamW other = new AdamW(Map.of("y", y))) {
      collect(x);
      one.step(rates, 0.25);
      collect(y);
      Gradients.find(y).orElseThrow().timesInPlace(0.25);
      other.step(rates);
      assertThat(x.minus(y).abs().max().item()).isLessThan(1e-7);
      other.step(rates);
      assertThat(x.minus(y).abs().max().item()).isGreaterThan(1e-4);
    }
  }

  @Test
  void aParameterOfIntegersIsRefusedByName() {
    Tensor integers = Tensors.zeros(DType.I64, 2);
    assertThatThrownBy(() -> new AdamW(Map.of("router", integers)))
        .isInstanceOf(KernelException.class)
        .hasMessageContaining("router")
        .hasMessageContaining("I64");
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
