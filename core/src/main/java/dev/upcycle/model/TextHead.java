package dev.upcycle.model;

import dev.upcycle.arch.Role;
import dev.upcycle.kernels.ffn.Linear;
import dev.upcycle.kernels.norm.Norm;
import dev.upcycle.kernels.tensor.Tensor;
import java.util.OptionalLong;

/// What follows the last layer of a text tower.
sealed interface TextHead {
  /// Configs of OpenAI's towers hold this id where the end of a text is another one, the largest of
  /// all (transformers, `modeling_clip.py`).
  long WRONG_END = 2;

  /// CLIP's: the state of each text's end.
  ///
  /// @param end the id that ends a text; of several the first
  record AtEnd(Norm norm, long end) implements TextHead {}

  /// SigLIP's: the state of the last place, which may be padding, mapped.
  record AtLast(Norm norm, Linear map) implements TextHead {}

  /// The norm of all places.
  Norm norm();

  /// What stands for each text, `[texts, hidden]`.
  ///
  /// @param normed `[texts, seq, hidden]`, after the norm
  /// @param ids `[texts, seq]`
  default Tensor pooled(Tensor normed, Tensor ids) {
    long texts = normed.size(0);
    long width = normed.size(2);
    return switch (this) {
      case AtEnd(_, long end) -> {
        // A text ends at its largest id where the config does not say at which.
        Tensor places =
            end == WRONG_END ? ids.argmax() : ids.isEqualTo(end).to(ids.dtype()).argmax();
        yield normed.gather(1, places.view(texts, 1, 1).expand(texts, 1, width)).squeeze(1);
      }
      case AtLast(_, Linear map) -> map.forward(normed.narrow(1, normed.size(1) - 1, 1).squeeze(1));
    };
  }

  /// The head that a tower's tensors make.
  static TextHead of(CheckpointBinding binding, LayerForm form, WeightTable weights) {
    Norm norm = weights.norm(binding.frame().require(Role.FINAL_NORM), form.norm());
    return poolsAtLast(binding)
        ? new AtLast(norm, weights.linear(binding.frame().require(Role.HEAD)))
        : new AtEnd(norm, saidEnd(binding));
  }

  private static boolean poolsAtLast(CheckpointBinding binding) {
    return binding.frame().find(Role.HEAD).isPresent();
  }

  private static long saidEnd(CheckpointBinding binding) {
    return binding.config().requireLong("eos_token_id");
  }

  /// The id that ends a text; empty where the last place counts, whatever stands there.
  static OptionalLong findEnd(CheckpointBinding binding) {
    if (poolsAtLast(binding)) {
      return OptionalLong.empty();
    }
    long end = saidEnd(binding);
    return OptionalLong.of(end == WRONG_END ? binding.dimensions().vocab() - 1 : end);
  }
}
