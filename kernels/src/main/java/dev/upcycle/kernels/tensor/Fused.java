package dev.upcycle.kernels.tensor;

import java.util.List;
import org.bytedeco.pytorch.GenericList;
import org.bytedeco.pytorch.IValue;
import org.bytedeco.pytorch.TensorList;

/// Operations over many tensors at once that only LibTorch's dispatcher knows.
public final class Fused {
  private Fused() {}

  /// What AdamW steps over; element `i` of every list belongs to parameter `i`, and all of it has
  /// one element type.
  ///
  /// @param parameters changed in place
  /// @param gradients of the parameters
  /// @param means of the gradients, changed in place
  /// @param squares means of the squared gradients, changed in place
  /// @param steps scalars in float32 that count the steps, this one included
  public record AdamWState(
      List<Tensor> parameters,
      List<Tensor> gradients,
      List<Tensor> means,
      List<Tensor> squares,
      List<Tensor> steps) {}

  /// AdamW's numbers.
  ///
  /// @param rate learning rate
  /// @param beta1 of the means
  /// @param beta2 of the squares
  /// @param decay weight decay, decoupled
  /// @param epsilon added to the denominator
  public record AdamWRates(double rate, double beta1, double beta2, double decay, double epsilon) {}

  /// How far a step goes.
  ///
  /// @param factor the gradients are multiplied by it first, and left so unless it is 1
  public record AdamWPace(AdamWRates rates, double factor) {}

  /// One step of AdamW (Loshchilov and Hutter, arXiv 1711.05101).
  public static void adamW(AdamWState state, AdamWPace pace) {
    if (state.parameters().isEmpty()) {
      return;
    }
    AdamWRates rates = pace.rates();
    Native.call(
        "_fused_adamw_",
        () -> {
          Native.boxedInPlace(
              "aten::_fused_adamw_",
              list(state.parameters()),
              list(state.gradients()),
              list(state.means()),
              list(state.squares()),
              list(List.of()),
              list(state.steps()),
              new IValue(rates.rate()),
              new IValue(rates.beta1()),
              new IValue(rates.beta2()),
              new IValue(rates.decay()),
              new IValue(rates.epsilon()),
              new IValue(false),
              new IValue(false),
              divisor(state.parameters().getFirst(), pace.factor()),
              new IValue());
          return state;
        });
  }

  /// The operator divides gradients by a scalar, made for the scaled losses of mixed precision.
  private static IValue divisor(Tensor like, double factor) {
    return factor == 1
        ? new IValue()
        : new IValue(Tensors.zerosLike(like).plus(1 / factor).handle());
  }

  private static IValue list(List<Tensor> tensors) {
    // GenericList(TensorType) would bind to an unchecked cast; the element type must come from
    // here.
    GenericList list = new GenericList(new TensorList().elementType());
    tensors.forEach(tensor -> list.push_back(new IValue(tensor.handle())));
    return new IValue(list);
  }
}
