package dev.upcycle.generate;

import dev.upcycle.kernels.tensor.Tensor;
import java.util.List;
import java.util.function.UnaryOperator;

/// What a text goes on from.
///
/// @param ids its tokens
/// @param embedding from the ids `[1, seq]` to what the decoder reads, `[1, seq, hidden]`: words,
///   or words and images
public record Beginning(List<Long> ids, UnaryOperator<Tensor> embedding) {
  /// Takes a copy; refuses silence.
  public Beginning {
    ids = List.copyOf(ids);
    if (ids.isEmpty()) {
      throw new IllegalArgumentException("the prompt has no tokens");
    }
  }
}
