package dev.upcycle.model;

import dev.upcycle.arch.Architecture;
import dev.upcycle.arch.Role;
import dev.upcycle.checkpoint.CheckpointFault;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.kernels.ffn.Activation;
import dev.upcycle.kernels.ffn.FeedForward;
import dev.upcycle.kernels.ffn.Linear;
import dev.upcycle.kernels.moe.ExpertWeights;
import dev.upcycle.kernels.moe.Experts;
import dev.upcycle.kernels.moe.MoeLayer;
import dev.upcycle.kernels.moe.Router;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.recipe.Part;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;

/// Between an image tower and a decoder: linear maps with a function between each and the next, or
/// experts of that form.
///
/// Owns its weights until it is closed, as [DecoderModel] does.
public final class Connector implements AutoCloseable {
  private final CheckpointBinding binding;
  private final ModelWeights weights;
  private final FeedForwardBlock block;

  private Connector(CheckpointBinding binding, ModelWeights weights) {
    this.binding = binding;
    this.weights = weights;
    this.block = block(binding, weights.table());
  }

  static Connector open(StoredPart part, ModelOptions options) {
    CheckpointBinding binding = bind(part);
    try (Claims claims = new Claims()) {
      ModelWeights weights = claims.own(ModelWeights.load(binding, options), ModelWeights::close);
      return claims.handOver(new Connector(binding, weights));
    }
  }

  static CheckpointBinding bind(StoredPart part) {
    if (!part.family().part().equals(Optional.of(Part.CONNECTOR))) {
      throw new CheckpointFormatException(
          CheckpointFault.BAD_CONFIG_VALUE,
          "%s is a %s, expected a connector"
              .formatted(part.checkpoint().directory(), part.family().modelType()));
    }
    return CheckpointBinding.of(part);
  }

  static FeedForwardBlock block(CheckpointBinding binding, WeightTable weights) {
    Activation activation = ConfigWords.activation(binding.config(), "hidden_act", "gelu");
    Chains chains = new Chains(binding, weights, activation);
    CheckpointBinding.Names frame = binding.frame();
    if (frame.find(Role.ROUTER).isEmpty()) {
      return new FeedForwardBlock.Dense(chains.of(Role.FFN_UP, Role.FFN_DOWN, 0));
    }
    List<FeedForward> experts = new ArrayList<>();
    for (int expert = 0; expert < frame.all(Role.EXPERT_UP).size(); expert++) {
      experts.add(chains.of(Role.EXPERT_UP, Role.EXPERT_DOWN, expert));
    }
    Tensor gate = weights.require(frame.require(Role.ROUTER));
    Router router = Router.of(LayerForm.router(binding), gate);
    return new FeedForwardBlock.Sparse(
        new MoeLayer(router, Experts.fastest(new ExpertWeights.Separate(experts)), null));
  }

  private record Chains(CheckpointBinding binding, WeightTable weights, Activation activation) {
    FeedForward of(Role first, Role later, int index) {
      List<Linear> maps = new ArrayList<>();
      maps.add(weights.linear(binding.frame().all(first).get(index)));
      binding.layers().forEach(names -> maps.add(weights.linear(names.all(later).get(index))));
      return new FeedForward.Chain(maps, activation);
    }
  }

  /// All weights by their names in the checkpoint's files.
  public SequencedMap<String, Tensor> parameters() {
    return weights.parameters();
  }

  /// The family.
  public Architecture architecture() {
    return binding.family();
  }

  /// Width of the features that it reads.
  public long input() {
    return binding.dimensions().require("input");
  }

  /// One network, or experts behind a router.
  public FeedForwardBlock block() {
    return block;
  }

  /// Features `[images, patches, input]` to `[images, patches, hidden]` of the decoder.
  public FeedForwardBlock.Output forward(Tensor features, ForwardPass pass) {
    return block.forward(features, pass.routing(0));
  }

  @Override
  public void close() {
    weights.close();
  }
}
