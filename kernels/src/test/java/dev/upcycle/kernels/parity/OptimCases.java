package dev.upcycle.kernels.parity;

import dev.upcycle.kernels.optim.AdamW;
import dev.upcycle.kernels.optim.GradientNorm;
import dev.upcycle.kernels.tensor.Fused;
import dev.upcycle.kernels.tensor.Gradients;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.Tensors;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/// Steps and clipping.
final class OptimCases {
  private static final Fused.AdamWRates RATES = new Fused.AdamWRates(0.01, 0.9, 0.95, 0.1, 1e-8);
  private static final int STEPS = 5;

  private OptimCases() {}

  static Stream<ParityCase> all() {
    return Stream.of(
        ParityCase.wide("AdamW over five steps", OptimCases::steps),
        ParityCase.wide("clipped gradients", OptimCases::clipped));
  }

  private static List<Tensor> steps(Inputs in) {
    Tensor first = in.leaf(1, 16, 24);
    Tensor second = in.leaf(1, 24);
    try (AdamW optimizer = new AdamW(Map.of("first", first, "second", second))) {
      for (int step = 0; step < STEPS; step++) {
        optimizer.clearGradients();
        Gradients.backward(first.square().times(second).sum());
        optimizer.step(RATES);
      }
      AdamW.Moments moments = optimizer.moments().get("first");
      List<Tensor> results =
          new ArrayList<>(List.of(Gradients.detach(first).copy(), Gradients.detach(second).copy()));
      if (moments != null) {
        results.addAll(
            List.of(moments.mean().copy(), moments.square().copy(), moments.steps().copy()));
      }
      return results;
    }
  }

  private static List<Tensor> clipped(Inputs in) {
    Tensor first = in.leaf(1, 16, 24);
    Tensor second = in.leaf(1, 24);
    Gradients.backward(first.square().times(second).sum());
    double norm = GradientNorm.clip(List.of(first, second), 1);
    List<Tensor> results = new ArrayList<>(in.gradients());
    results.add(Tensors.of(new float[] {(float) norm}, 1));
    return results;
  }
}
