package dev.upcycle.model;

import dev.upcycle.arch.Role;
import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.kernels.tensor.Tensor;
import java.util.List;
import java.util.OptionalLong;

/// A text tower that is walked a layer at a time, as [LayerWalk] walks a decoder.
public final class TextTowerWalk {
  private final FramedWalk walk;

  private TextTowerWalk(FramedWalk walk) {
    this.walk = walk;
  }

  /// Binds a checkpoint that is a text tower; reads no weights.
  ///
  /// @throws dev.upcycle.checkpoint.CheckpointFormatException as [DecoderModel#open]
  public static TextTowerWalk open(Checkpoint checkpoint, ModelOptions options) {
    return open(StoredPart.whole(checkpoint), options);
  }

  static TextTowerWalk open(StoredPart part, ModelOptions options) {
    return new TextTowerWalk(new FramedWalk(CheckpointBinding.of(part), options));
  }

  /// The layers.
  public StackWalk stack() {
    return walk.stack();
  }

  /// The config, the family's defaults filled in.
  public ModelConfig config() {
    return walk.config();
  }

  /// Size of the vocabulary.
  public long vocab() {
    return walk.binding().dimensions().vocab();
  }

  /// The id that ends a text; empty where the tower looks at the last place, whatever stands there.
  public OptionalLong findEnd() {
    return TextHead.findEnd(walk.binding());
  }

  /// Token ids `[texts, seq]` to what the first layer reads.
  ///
  /// @throws IllegalArgumentException when a text is longer than the tower has positions
  public Tensor embed(Tensor ids) {
    String positions = walk.binding().frame().require(Role.POSITION_EMBEDDING);
    return walk.with(
        List.of(positions),
        (table, scope) -> {
          Tensor words = walk.weights().rows(walk.binding().embedding(), ids);
          return scope.keep(TextTower.placed(words, table.require(positions)));
        });
  }

  /// What stands for each text, `[texts, hidden]`.
  ///
  /// @param hidden after the last layer, `[texts, seq, hidden]`
  public Tensor pooled(Tensor hidden, Tensor ids) {
    return walk.with(
        behind(),
        (table, scope) -> {
          TextHead head = TextHead.of(walk.binding(), walk.form(), table);
          Tensor normed = head.norm().forward(hidden);
          return scope.keep(head.pooled(normed, ids.to(walk.weights().options().device())));
        });
  }

  /// The tables of words and positions stand before the layers.
  private List<String> behind() {
    CheckpointBinding.Names frame = walk.binding().frame();
    return frame.all().stream()
        .filter(name -> !name.equals(walk.binding().embedding()))
        .filter(name -> !name.equals(frame.require(Role.POSITION_EMBEDDING)))
        .toList();
  }
}
