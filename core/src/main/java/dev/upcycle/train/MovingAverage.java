package dev.upcycle.train;

import dev.upcycle.kernels.optim.AdamW;
import dev.upcycle.kernels.tensor.DType;
import dev.upcycle.kernels.tensor.Gradients;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.TensorScope;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SequencedMap;

/// An exponential moving average of what trains, in float32: after each step `average ← decay ·
/// average + (1 − decay) · weight`, of the masters where there are any.
///
/// It begins with the weights themselves. Owns the averages until it is closed.
final class MovingAverage implements AutoCloseable {
  private final TensorScope owner = TensorScope.detached();
  private final double decay;
  private final Map<String, AdamW.Moments> moments;
  private final SequencedMap<String, Tensor> averages = new LinkedHashMap<>();

  /// @param moments of what trains, by name
  MovingAverage(double decay, Map<String, AdamW.Moments> moments) {
    this.decay = decay;
    this.moments = moments;
    try (TensorScope _ = TensorScope.open();
        Gradients.Pause _ = Gradients.pause()) {
      moments.forEach((name, each) -> averages.put(name, owner.hold(each.master().copy())));
    }
  }

  /// Follows a step.
  void update() {
    try (TensorScope _ = TensorScope.open();
        Gradients.Pause _ = Gradients.pause()) {
      averages.forEach((name, average) -> {
        try (TensorScope _ = TensorScope.open()) {
          average.timesInPlace(decay).plusInPlace(moments(name).master().times(1 - decay));
        }
      });
    }
  }

  private AdamW.Moments moments(String name) {
    AdamW.Moments found = moments.get(name);
    if (found == null) {
      throw new IllegalStateException("no moments of " + name);
    }
    return found;
  }

  /// The averages by name, float32.
  SequencedMap<String, Tensor> tensors() {
    return Collections.unmodifiableSequencedMap(averages);
  }

  /// Puts the averages in the place of the weights until it is closed, bit by bit back again.
  Swap swap() {
    averages.forEach((name, average) -> exchange(moments(name), average));
    return new Swap();
  }

  /// A stretch in which the model computes with averages.
  final class Swap implements AutoCloseable {
    private Swap() {}

    @Override
    public void close() {
      averages.forEach((name, average) -> restore(moments(name), average));
    }
  }

  private static void exchange(AdamW.Moments each, Tensor average) {
    try (TensorScope _ = TensorScope.open();
        Gradients.Pause _ = Gradients.pause()) {
      Tensor weight = each.parameter();
      if (weight.dtype() == DType.F32) {
        Tensor before = weight.copy();
        weight.copyInPlace(average);
        average.copyInPlace(before);
      } else {
        weight.copyInPlace(average);
      }
    }
  }

  private static void restore(AdamW.Moments each, Tensor average) {
    if (each.parameter().dtype() == DType.F32) {
      exchange(each, average);
    } else {
      try (TensorScope _ = TensorScope.open();
          Gradients.Pause _ = Gradients.pause()) {
        each.parameter().copyInPlace(each.master());
      }
    }
  }

  @Override
  public void close() {
    owner.close();
  }
}
