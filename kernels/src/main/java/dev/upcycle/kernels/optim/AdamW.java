package dev.upcycle.kernels.optim;

import dev.upcycle.kernels.KernelException;
import dev.upcycle.kernels.tensor.DType;
import dev.upcycle.kernels.tensor.Fused;
import dev.upcycle.kernels.tensor.Gradients;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.TensorScope;
import dev.upcycle.kernels.tensor.Tensors;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;

/// AdamW over named float32 parameters, with state that is plain tensors to save beside them.
///
/// It owns its state until it is closed; the parameters belong to whoever made them.
public final class AdamW implements AutoCloseable {
  private final SequencedMap<String, Moments> moments = new LinkedHashMap<>();
  private final TensorScope owner = TensorScope.detached();

  /// What is remembered of one parameter.
  ///
  /// @param parameter itself
  /// @param mean of its gradients
  /// @param square mean of its squared gradients
  /// @param steps how many it has taken, a scalar
  public record Moments(Tensor parameter, Tensor mean, Tensor square, Tensor steps) {}

  /// An optimizer that has taken no step.
  ///
  /// @throws KernelException when a parameter is not float32: train a float32 master of it; or when
  ///   it is a view with gaps or in another order: its state would not match it element by element
  public AdamW(Map<String, Tensor> parameters) {
    try (TensorScope _ = TensorScope.open()) {
      parameters.forEach(this::add);
    }
  }

  private void add(String name, Tensor parameter) {
    if (parameter.dtype() != DType.F32) {
      throw new KernelException(
          "AdamW: parameter %s is %s, expected F32: train a float32 master of it"
              .formatted(name, parameter));
    }
    if (!parameter.isContiguous()) {
      throw new KernelException(
          "AdamW: parameter %s, %s, is a strided view, expected elements in order: make it contiguous"
              .formatted(name, parameter));
    }
    moments.put(
        name,
        new Moments(
            parameter,
            owner.hold(Tensors.zerosLike(parameter, parameter.shape())),
            owner.hold(Tensors.zerosLike(parameter, parameter.shape())),
            owner.hold(Tensors.zerosLike(parameter))));
  }

  /// One step of all parameters that have a gradient.
  public void step(Fused.AdamWRates rates) {
    try (TensorScope _ = TensorScope.open();
        Gradients.Pause _ = Gradients.pause()) {
      List<Moments> moved = new ArrayList<>();
      List<Tensor> gradients = new ArrayList<>();
      for (Moments each : moments.values()) {
        Gradients.find(each.parameter())
            .ifPresent(gradient -> {
              each.steps().plusInPlace(Tensors.zerosLike(each.steps()).plus(1));
              moved.add(each);
              gradients.add(gradient);
            });
      }
      Fused.adamW(
          new Fused.AdamWState(
              moved.stream().map(Moments::parameter).toList(),
              gradients,
              moved.stream().map(Moments::mean).toList(),
              moved.stream().map(Moments::square).toList(),
              moved.stream().map(Moments::steps).toList()),
          rates);
    }
  }

  /// Forgets the gradients of all parameters.
  public void clearGradients() {
    moments.values().forEach(each -> Gradients.clear(each.parameter()));
  }

  /// The state by parameter name, to save or to overwrite in place.
  public Map<String, Moments> moments() {
    return Map.copyOf(moments);
  }

  @Override
  public void close() {
    owner.close();
  }
}
