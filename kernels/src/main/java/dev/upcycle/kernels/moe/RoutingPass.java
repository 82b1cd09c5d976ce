package dev.upcycle.kernels.moe;

import dev.upcycle.kernels.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/// How a forward pass routes: with the noise of training or without.
public sealed interface RoutingPass {
  /// `[T]`, 1 for tokens that count and 0 for padding; null when all count.
  @Nullable Tensor mask();

  /// The same for some of the tokens.
  ///
  /// @param tokens their indices
  /// @param group which part they are, so that it draws noise of its own
  RoutingPass among(Tensor tokens, int group);

  /// With jitter and noise.
  record Train(NoiseCounter noise, @Nullable Tensor mask) implements RoutingPass {
    @Override
    public Train among(Tensor tokens, int group) {
      return new Train(noise.inGroup(group), selected(mask, tokens));
    }
  }

  /// Without either.
  record Infer(@Nullable Tensor mask) implements RoutingPass {
    /// A pass in which all tokens count.
    public static Infer ofAll() {
      return new Infer(null);
    }

    @Override
    public Infer among(Tensor tokens, int group) {
      return new Infer(selected(mask, tokens));
    }
  }

  private static @Nullable Tensor selected(@Nullable Tensor mask, Tensor tokens) {
    return mask == null ? null : mask.indexSelect(0, tokens);
  }
}
