package dev.upcycle.kernels.optim;

import dev.upcycle.kernels.KernelException;
import dev.upcycle.kernels.tensor.DType;
import dev.upcycle.kernels.tensor.Device;
import dev.upcycle.kernels.tensor.Fused;
import dev.upcycle.kernels.tensor.Gradients;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.TensorScope;
import dev.upcycle.kernels.tensor.Tensors;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;

/// AdamW over named parameters, with state that is plain tensors to save beside them.
///
/// A bfloat16 or float16 parameter has a float32 master, which takes the steps; the parameter is
/// the master rounded. It owns its state until it is closed; the parameters belong to whoever made
/// them.
public final class AdamW implements AutoCloseable {
  private final SequencedMap<String, Moments> moments = new LinkedHashMap<>();
  private final TensorScope owner = TensorScope.detached();

  /// What is remembered of one parameter.
  ///
  /// @param parameter itself
  /// @param master what takes the steps, float32; the parameter itself where it is float32
  /// @param mean of its gradients, float32
  /// @param square mean of its squared gradients, float32
  /// @param steps how many it has taken, a scalar
  public record Moments(
      Tensor parameter, Tensor master, Tensor mean, Tensor square, Tensor steps) {}

  /// An optimizer that has taken no step.
  ///
  /// @throws KernelException when a parameter is neither float32 nor of a reduced type, or when it
  ///   is a view with gaps or in another order: its state would not match it element by element
  public AdamW(Map<String, Tensor> parameters) {
    try (TensorScope _ = TensorScope.open()) {
      parameters.forEach(this::add);
    }
  }

  private void add(String name, Tensor parameter) {
    if (parameter.dtype() != DType.F32 && !parameter.dtype().isReduced()) {
      throw new KernelException(
          "AdamW: parameter %s is %s, expected F32, BF16 or F16".formatted(name, parameter));
    }
    if (!parameter.isContiguous()) {
      throw new KernelException(
          "AdamW: parameter %s, %s, is a strided view, expected elements in order: make it contiguous"
              .formatted(name, parameter));
    }
    Tensor master =
        parameter.dtype() == DType.F32
            ? parameter
            : owner.hold(Gradients.detach(parameter).to(DType.F32));
    moments.put(
        name,
        new Moments(
            parameter,
            master,
            owner.hold(Tensors.zerosLike(master, master.shape())),
            owner.hold(Tensors.zerosLike(master, master.shape())),
            owner.hold(Tensors.zerosLike(master))));
  }

  /// One step of all parameters that have a gradient.
  public void step(Fused.AdamWRates rates) {
    step(rates, 1);
  }

  /// One step of all parameters that have a gradient, as if all gradients were multiplied.
  ///
  /// @param factor of the gradients, such as [GradientNorm#factor]; costs no pass over them
  public void step(Fused.AdamWRates rates, double factor) {
    try (TensorScope _ = TensorScope.open();
        Gradients.Pause _ = Gradients.pause()) {
      List<Moments> moved =
          moments.values().stream()
              .filter(each -> Gradients.find(each.parameter()).isPresent())
              .toList();
      moved.forEach(each -> each.steps().plusInPlace(Tensors.zerosLike(each.steps()).plus(1)));
      for (List<Moments> batch : batches(moved)) {
        try (TensorScope _ = TensorScope.open()) {
          step(batch, new Fused.AdamWPace(rates, factor));
        }
      }
    }
  }

  /// On the CPU one at a time, so that what is made for a step is still in its caches when used.
  private static List<List<Moments>> batches(List<Moments> moved) {
    boolean alone = moved.stream().allMatch(each -> each.master().device().equals(Device.CPU));
    return alone ? moved.stream().map(List::of).toList() : List.of(moved);
  }

  private static void step(List<Moments> batch, Fused.AdamWPace pace) {
    Fused.adamW(
        new Fused.AdamWState(
            batch.stream().map(Moments::master).toList(),
            batch.stream().map(AdamW::gradient).toList(),
            batch.stream().map(Moments::mean).toList(),
            batch.stream().map(Moments::square).toList(),
            batch.stream().map(Moments::steps).toList()),
        pace);
    batch.stream()
        .filter(each -> each.parameter().dtype() != DType.F32)
        .forEach(each -> each.parameter().copyInPlace(each.master()));
  }

  private static Tensor gradient(Moments each) {
    return Gradients.find(each.parameter()).orElseThrow().to(DType.F32);
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
