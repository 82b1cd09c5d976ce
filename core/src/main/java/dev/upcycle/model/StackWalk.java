package dev.upcycle.model;

import dev.upcycle.arch.Architecture;
import dev.upcycle.kernels.attention.RotaryEmbedding;
import dev.upcycle.kernels.moe.RoutingPass;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.TensorScope;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/// The layers of a decoder or a tower, one of them in memory at a time.
///
/// Holds no weights between two calls; records no graph. What a call returns belongs to the
/// caller's scope.
public final class StackWalk {
  private final BorrowedWeights weights;
  private final LayerForm form;
  private final @Nullable RotaryEmbedding rotary;

  /// @param rotary null where positions are learned vectors
  StackWalk(BorrowedWeights weights, LayerForm form, @Nullable RotaryEmbedding rotary) {
    this.weights = weights;
    this.form = form;
    this.rotary = rotary;
  }

  /// Number of layers.
  public int layers() {
    return weights.binding().dimensions().layers();
  }

  /// Width of the residual stream.
  public long hidden() {
    return weights.binding().dimensions().hidden();
  }

  /// The family that the layers are of.
  public Architecture family() {
    return weights.binding().family();
  }

  /// Whether the weights of a token's experts sum to 1; true of a dense model.
  public boolean renormalises() {
    return !family().mixtureOfExperts() || family().renormalises(weights.binding().config());
  }

  /// One layer with all of its experts.
  ///
  /// @param hidden `[batch, seq, hidden]`, the layer before's, at positions 0 to seq - 1
  public LayerOutput layer(int index, Tensor hidden) {
    return layer(index, List.of(hidden), WeightChange.NONE).getFirst();
  }

  /// One layer over several texts, one after the other, its weights loaded once.
  ///
  /// @param hidden `[batch, seq, hidden]` each, of any lengths
  /// @param change of the layer's weights in memory
  public List<LayerOutput> layer(int index, List<Tensor> hidden, WeightChange change) {
    CheckpointBinding.Names names = weights.binding().layers().get(index);
    return weights.with(
        names.all(),
        change,
        (table, scope) -> {
          TransformerLayer layer = assemble(index, names, table);
          List<LayerOutput> outputs = new ArrayList<>();
          for (Tensor one : hidden) {
            try (TensorScope passing = TensorScope.open()) {
              outputs.add(keep(passing, forward(layer, one)));
            }
          }
          outputs.forEach(output -> keep(scope, output));
          return outputs;
        });
  }

  private TransformerLayer assemble(int index, CheckpointBinding.Names names, WeightTable table) {
    return new LayerAssembly(names, form, table).assemble(index);
  }

  private LayerOutput forward(TransformerLayer layer, Tensor hidden) {
    return layer.forward(
        hidden,
        new TransformerLayer.Context(rotation(hidden.size(1)), RoutingPass.Infer.ofAll(), null));
  }

  private RotaryEmbedding.@Nullable Rotation rotation(long seq) {
    ModelOptions options = weights.options();
    return rotary == null
        ? null
        : rotary.at(options.device(), options.compute(), LongStream.range(0, seq).toArray());
  }

  private static LayerOutput keep(TensorScope scope, LayerOutput output) {
    scope.keep(output.hidden());
    scope.keep(output.feedForwardInput());
    output.findRouting().ifPresent(routing -> KeptOutput.keep(scope, routing));
    return output;
  }
}
