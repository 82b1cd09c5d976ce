package dev.upcycle.kernels.loss;

import dev.upcycle.kernels.KernelException;
import dev.upcycle.kernels.moe.Routing;
import dev.upcycle.kernels.tensor.DType;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.Tensors;
import java.util.List;
import java.util.function.Function;

/// What the losses count over the tokens that the mask lets count.
final class RoutingSums {
  private RoutingSums() {}

  /// 1 per token that counts, `[T]`, float32.
  static Tensor members(Routing routing) {
    Tensor mask = routing.evidence().mask();
    return mask == null
        ? Tensors.zerosLike(routing.evidence().scores(), routing.tokenCount()).plus(1)
        : mask.to(DType.F32);
  }

  /// How many tokens count, a scalar, and 1 where none does: sums over none are 0, and so is then
  /// their mean.
  static Tensor count(Tensor members) {
    return members.sum().clamp(1, Float.MAX_VALUE);
  }

  /// Assignments per expert, `[E]`, float32; carries no gradient.
  static Tensor picks(Routing routing) {
    Tensor each = members(routing).indexSelect(0, routing.tokens());
    return Tensors.zerosLike(each, routing.expertCount()).indexAdd(0, routing.experts(), each);
  }

  /// Sum of each expert's scores, `[E]`.
  static Tensor scores(Routing routing) {
    return weighted(routing.evidence().scores(), members(routing)).sum(0);
  }

  /// `[T, E]` with each row multiplied.
  static Tensor weighted(Tensor rows, Tensor members) {
    return rows.times(members.unsqueeze(1));
  }

  /// The mean of a loss over layers.
  static Tensor meanOver(List<Routing> layers, Function<Routing, Tensor> loss) {
    return sumOver(layers, loss).over(layers.size());
  }

  /// The sum of something over layers.
  static Tensor sumOver(List<Routing> layers, Function<Routing, Tensor> loss) {
    return layers.stream()
        .map(loss)
        .reduce(Tensor::plus)
        .orElseThrow(() -> new KernelException("a loss needs at least one routing"));
  }
}
