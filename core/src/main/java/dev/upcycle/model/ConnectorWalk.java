package dev.upcycle.model;

import dev.upcycle.arch.Architecture;
import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.kernels.moe.RoutingPass;
import dev.upcycle.kernels.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/// A connector whose weights are in memory only while it computes, as a layer of [LayerWalk].
public final class ConnectorWalk {
  private final BorrowedWeights weights;

  private ConnectorWalk(BorrowedWeights weights) {
    this.weights = weights;
  }

  /// Binds a checkpoint that is a connector; reads no weights.
  ///
  /// @throws dev.upcycle.checkpoint.CheckpointFormatException as [DecoderModel#open], or when it is
  ///   none
  public static ConnectorWalk open(Checkpoint checkpoint, ModelOptions options) {
    return open(StoredPart.whole(checkpoint), options);
  }

  static ConnectorWalk open(StoredPart part, ModelOptions options) {
    return new ConnectorWalk(new BorrowedWeights(Connector.bind(part), options));
  }

  /// The family.
  public Architecture family() {
    return weights.binding().family();
  }

  /// Width of the features that it reads.
  public long input() {
    return weights.binding().dimensions().require("input");
  }

  /// Width of what it gives.
  public long hidden() {
    return weights.binding().dimensions().hidden();
  }

  /// Whether the weights of a place's experts sum to 1; true of a dense connector.
  public boolean renormalises() {
    return !family().mixtureOfExperts() || family().renormalises(weights.binding().config());
  }

  /// Features `[images, places, input]` to `[images, places, hidden]`, the weights loaded once for
  /// all of them.
  ///
  /// @param change of the weights in memory
  public List<FeedForwardBlock.Output> forward(List<Tensor> features, WeightChange change) {
    List<String> names = new ArrayList<>(weights.binding().frame().all());
    weights.binding().layers().forEach(layer -> names.addAll(layer.all()));
    return weights.with(
        names,
        change,
        (table, scope) -> {
          FeedForwardBlock block = Connector.block(weights.binding(), table);
          List<FeedForwardBlock.Output> outputs = new ArrayList<>();
          for (Tensor one : features) {
            outputs.add(block.forward(one, RoutingPass.Infer.ofAll()));
          }
          for (FeedForwardBlock.Output output : outputs) {
            scope.keep(output.hidden());
            output.findRouting().ifPresent(routing -> KeptOutput.keep(scope, routing));
          }
          return outputs;
        });
  }
}
