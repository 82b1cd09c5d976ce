package dev.upcycle.kernels.attention;

import dev.upcycle.kernels.tensor.DType;
import dev.upcycle.kernels.tensor.Device;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.Tensors;

/// Texts that lie one after the other in the sequences of a batch; a token sees no other text than
/// its own.
///
/// Masks are made once for all layers: a graph would keep one for each.
///
/// @param same whether query and key are of one text, `[batch, 1, seq, seq]`
/// @param past 0 where a key is also not after the query, else minus infinity; of the same shape
public record Documents(Tensor same, Tensor past) {
  /// Masks of a batch.
  ///
  /// @param numbers a number for each text of a sequence, `[batch, seq]`
  /// @param compute the type that the model computes in there
  public static Documents of(Tensor numbers, DType compute) {
    Device device = numbers.device();
    Tensor query = numbers.unsqueeze(1).unsqueeze(3);
    Tensor key = numbers.unsqueeze(1).unsqueeze(2);
    Tensor same = key.isAtMost(query).and(query.isAtMost(key));
    Tensor place = Tensors.range(numbers.size(1), device);
    Tensor hidden = same.and(place.unsqueeze(0).isAtMost(place.unsqueeze(1))).not();
    Tensor scores = Tensors.zeros(GroupedQueryAttention.precise(device, compute), device, 1);
    Tensor past = scores.expand(hidden.shape()).maskedFill(hidden, Double.NEGATIVE_INFINITY);
    return new Documents(same, past);
  }
}
