package dev.upcycle.model;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.kernels.tensor.Tensor;
import java.util.List;

/// An image tower that is walked a layer at a time, as [LayerWalk] walks a decoder.
public final class TowerWalk {
  private final BorrowedWeights weights;
  private final LayerForm form;
  private final StackWalk stack;

  private TowerWalk(BorrowedWeights weights, LayerForm form) {
    this.weights = weights;
    this.form = form;
    this.stack = new StackWalk(weights, form, null);
  }

  /// Binds a checkpoint that is an image tower; reads no weights.
  ///
  /// @throws dev.upcycle.checkpoint.CheckpointFormatException as [VisionTower#open]
  public static TowerWalk open(Checkpoint checkpoint, ModelOptions options) {
    return open(StoredPart.whole(checkpoint), options);
  }

  static TowerWalk open(StoredPart part, ModelOptions options) {
    CheckpointBinding binding = VisionTower.bind(part);
    return new TowerWalk(new BorrowedWeights(binding, options), LayerForm.of(binding));
  }

  /// The layers.
  public StackWalk stack() {
    return stack;
  }

  /// The config, the family's defaults filled in.
  public ModelConfig config() {
    return weights.binding().config();
  }

  /// What it takes for an image.
  public PixelShape pixels() {
    return PixelShape.of(weights.binding().dimensions());
  }

  /// Prepared pixels `[images, channels, side, side]` to what the first layer reads.
  public Tensor embed(Tensor pixels) {
    return weights.with(
        frame(),
        WeightChange.NONE,
        (table, scope) ->
            scope.keep(
                VisionFront.of(weights.binding(), form, table).forward(pixels, weights.options())));
  }

  /// The tower's end, `[images, places, hidden]` after the last layer to what it gives.
  public VisionOutput head(Tensor hidden) {
    return weights.with(
        frame(),
        WeightChange.NONE,
        (table, scope) -> {
          VisionOutput output =
              VisionHead.of(weights.binding(), form, table)
                  .apply(new HiddenOutput(hidden, List.of()));
          output.findPooled().ifPresent(scope::keep);
          if (output.hidden() != hidden) {
            scope.keep(output.hidden());
          }
          return output;
        });
  }

  private List<String> frame() {
    return weights.binding().frame().all();
  }
}
