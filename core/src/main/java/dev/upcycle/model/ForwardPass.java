package dev.upcycle.model;

import dev.upcycle.kernels.attention.Documents;
import dev.upcycle.kernels.attention.KvCache;
import dev.upcycle.kernels.moe.RoutingPass;
import dev.upcycle.kernels.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/// How a forward pass runs.
///
/// @param routing with the noise of training or without
/// @param cache keys and values of the tokens before these, which it appends to; null for none
/// @param firstLayer the number that the first layer draws its noise by
/// @param documents the texts of packed sequences; null where each is one text; without a cache
public record ForwardPass(
    RoutingPass routing, @Nullable KvCache cache, int firstLayer, @Nullable Documents documents) {
  /// Far more than any part has layers.
  private static final int LAYERS_APART = 1 << 16;

  /// Refuses packed texts beside a cache, which is of one text.
  public ForwardPass {
    if (cache != null && documents != null) {
      throw new IllegalArgumentException(
          "a cache cannot hold packed texts; pass one text at a time");
    }
  }

  /// Over sequences that are one text each.
  public ForwardPass(RoutingPass routing, @Nullable KvCache cache, int firstLayer) {
    this(routing, cache, firstLayer, null);
  }

  /// Inference over whole sequences.
  public static ForwardPass plain() {
    return new ForwardPass(RoutingPass.Infer.ofAll(), null, 0);
  }

  /// Inference that continues what the cache has seen; open no graph for it.
  public static ForwardPass cached(KvCache cache) {
    return new ForwardPass(RoutingPass.Infer.ofAll(), cache, 0);
  }

  /// A training step's pass.
  public static ForwardPass training(RoutingPass.Train routing) {
    return new ForwardPass(routing, null, 0);
  }

  /// The same over packed texts.
  ///
  /// @param texts null where each sequence is one text
  public ForwardPass over(@Nullable Documents texts) {
    return new ForwardPass(routing, cache, firstLayer, texts);
  }

  /// The routing of one layer: its noise is its own.
  RoutingPass routing(int layer) {
    return switch (routing) {
      case RoutingPass.Infer infer -> infer;
      case RoutingPass.Train train ->
          new RoutingPass.Train(train.noise().inLayer(firstLayer + layer), train.mask());
    };
  }

  /// The same step in another part of a composed model: its tokens are others, so that neither the
  /// mask, the cache nor the texts hold there, and its noise is its own.
  ///
  /// @param part a number from 1 that tells the parts apart
  ForwardPass elsewhere(int part) {
    return new ForwardPass(routing, null, part * LAYERS_APART).masked(null);
  }

  /// The same with another mask of the tokens that routers' losses count.
  ///
  /// @param mask `[tokens]`; null where all count
  ForwardPass masked(@Nullable Tensor mask) {
    RoutingPass other =
        switch (routing) {
          case RoutingPass.Infer _ -> new RoutingPass.Infer(mask);
          case RoutingPass.Train train -> new RoutingPass.Train(train.noise(), mask);
        };
    return new ForwardPass(other, cache, firstLayer, documents);
  }
}
