package dev.upcycle.model;

import dev.upcycle.kernels.attention.KvCache;
import dev.upcycle.kernels.moe.RoutingPass;
import org.jspecify.annotations.Nullable;

/// How a forward pass runs.
///
/// @param routing with the noise of training or without
/// @param cache keys and values of the tokens before these, which it appends to; null for none
public record ForwardPass(RoutingPass routing, @Nullable KvCache cache) {
  /// Inference over whole sequences.
  public static ForwardPass plain() {
    return new ForwardPass(RoutingPass.Infer.ofAll(), null);
  }

  /// Inference that continues what the cache has seen; open no graph for it.
  public static ForwardPass cached(KvCache cache) {
    return new ForwardPass(RoutingPass.Infer.ofAll(), cache);
  }

  /// A training step's pass.
  public static ForwardPass training(RoutingPass.Train routing) {
    return new ForwardPass(routing, null);
  }

  /// The routing of one layer: its noise is its own.
  RoutingPass routing(int layer) {
    return switch (routing) {
      case RoutingPass.Infer infer -> infer;
      case RoutingPass.Train train ->
          new RoutingPass.Train(train.noise().inLayer(layer), train.mask());
    };
  }
}
