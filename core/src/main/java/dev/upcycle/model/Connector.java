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

  private Connector(CheckpointBinding binding, Activation activation, ModelOptions options) {
    this.binding = binding;
    this.weights = ModelWeights.load(binding, options);
    this.block = block(activation);
  }

  static Connector open(StoredPart part, ModelOptions options) {
    if (!part.family().part().equals(Optional.of(Part.CONNECTOR))) {
      throw new CheckpointFormatException(
          CheckpointFault.BAD_CONFIG_VALUE,
          "%s is a %s, expected a connector"
              .formatted(part.checkpoint().directory(), part.family().modelType()));
    }
    CheckpointBinding binding = CheckpointBinding.of(part);
    Activation activation = ConfigWords.activation(binding.config(), "hidden_act", "gelu");
    return new Connector(binding, activation, options);
  }

  private FeedForwardBlock block(Activation activation) {
    CheckpointBinding.Names frame = binding.frame();
    if (frame.find(Role.ROUTER).isEmpty()) {
      return new FeedForwardBlock.Dense(chain(Role.FFN_UP, Role.FFN_DOWN, 0, activation));
    }
    List<FeedForward> experts = new ArrayList<>();
    for (int expert = 0; expert < frame.all(Role.EXPERT_UP).size(); expert++) {
      experts.add(chain(Role.EXPERT_UP, Role.EXPERT_DOWN, expert, activation));
    }
    Tensor gate = weights.table().require(frame.require(Role.ROUTER));
    Router router = Router.of(LayerForm.router(binding), gate);
    return new FeedForwardBlock.Sparse(
        new MoeLayer(router, Experts.fastest(new ExpertWeights.Separate(experts)), null));
  }

  private FeedForward chain(Role first, Role later, int index, Activation activation) {
    List<Linear> maps = new ArrayList<>();
    maps.add(weights.table().linear(binding.frame().all(first).get(index)));
    binding
        .layers()
        .forEach(names -> maps.add(weights.table().linear(names.all(later).get(index))));
    return new FeedForward.Chain(maps, activation);
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
