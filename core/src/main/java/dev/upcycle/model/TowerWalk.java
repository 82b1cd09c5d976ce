package dev.upcycle.model;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.kernels.tensor.Tensor;
import java.util.List;

/// An image tower that is walked a layer at a time, as [LayerWalk] walks a decoder.
public final class TowerWalk {
  private final FramedWalk walk;

  private TowerWalk(FramedWalk walk) {
    this.walk = walk;
  }

  /// Binds a checkpoint that is an image tower; reads no weights.
  ///
  /// @throws dev.upcycle.checkpoint.CheckpointFormatException as [VisionTower#open]
  public static TowerWalk open(Checkpoint checkpoint, ModelOptions options) {
    return open(StoredPart.whole(checkpoint), options);
  }

  static TowerWalk open(StoredPart part, ModelOptions options) {
    return new TowerWalk(new FramedWalk(VisionTower.bind(part), options));
  }

  /// The layers.
  public StackWalk stack() {
    return walk.stack();
  }

  /// The config, the family's defaults filled in.
  public ModelConfig config() {
    return walk.config();
  }

  /// What it takes for an image.
  public PixelShape pixels() {
    return PixelShape.of(walk.binding().dimensions());
  }

  /// Prepared pixels `[images, channels, side, side]` to what the first layer reads.
  public Tensor embed(Tensor pixels) {
    return walk.with(
        frame(),
        (table, scope) ->
            scope.keep(
                VisionFront.of(walk.binding(), walk.form(), table)
                    .forward(pixels, walk.weights().options())));
  }

  /// The tower's end, `[images, places, hidden]` after the last layer to what it gives.
  public VisionOutput head(Tensor hidden) {
    return walk.with(
        frame(),
        (table, scope) -> {
          VisionOutput output =
              VisionHead.of(walk.binding(), walk.form(), table)
                  .apply(new HiddenOutput(hidden, List.of()));
          output.findPooled().ifPresent(scope::keep);
          if (output.hidden() != hidden) {
            scope.keep(output.hidden());
          }
          return output;
        });
  }

  private List<String> frame() {
    return walk.binding().frame().all();
  }
}
