package dev.upcycle.model;

import dev.upcycle.arch.Role;
import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.kernels.tensor.Tensor;
import java.util.List;

/// A text tower that is walked a layer at a time, as [LayerWalk] walks a decoder.
public final class TextTowerWalk {
  private final BorrowedWeights weights;
  private final LayerForm form;
  private final StackWalk stack;

  private TextTowerWalk(BorrowedWeights weights, LayerForm form) {
    this.weights = weights;
    this.form = form;
    this.stack = new StackWalk(weights, form, null);
  }

  /// Binds a checkpoint that is a text tower; reads no weights.
  ///
  /// @throws dev.upcycle.checkpoint.CheckpointFormatException as [DecoderModel#open]
  public static TextTowerWalk open(Checkpoint checkpoint, ModelOptions options) {
    return open(StoredPart.whole(checkpoint), options);
  }

  static TextTowerWalk open(StoredPart part, ModelOptions options) {
    CheckpointBinding binding = CheckpointBinding.of(part);
    return new TextTowerWalk(new BorrowedWeights(binding, options), LayerForm.of(binding));
  }

  /// The layers.
  public StackWalk stack() {
    return stack;
  }

  /// The config, the family's defaults filled in.
  public ModelConfig config() {
    return weights.binding().config();
  }

  /// Size of the vocabulary.
  public long vocab() {
    return weights.binding().dimensions().vocab();
  }

  /// The id that ends a text.
  public long end() {
    return TextTower.end(weights.binding());
  }

  /// Token ids `[texts, seq]` to what the first layer reads.
  ///
  /// @throws IllegalArgumentException when a text is longer than the tower has positions
  public Tensor embed(Tensor ids) {
    String positions = weights.binding().frame().require(Role.POSITION_EMBEDDING);
    return weights.with(
        List.of(positions),
        WeightChange.NONE,
        (table, scope) -> {
          Tensor words = weights.rows(weights.binding().embedding(), ids);
          return scope.keep(TextTower.placed(words, table.require(positions)));
        });
  }

  /// The state of each text's end, `[texts, hidden]`.
  ///
  /// @param hidden after the last layer, `[texts, seq, hidden]`
  public Tensor pooled(Tensor hidden, Tensor ids) {
    String name = weights.binding().frame().require(Role.FINAL_NORM);
    String bias = weights.binding().frame().require(Role.NORM_BIAS);
    return weights.with(
        List.of(name, bias),
        WeightChange.NONE,
        (table, scope) -> {
          Tensor normed = table.norm(name, form.norm()).forward(hidden);
          return scope.keep(
              TextTower.pooled(normed, ids.to(weights.options().device()), weights.binding()));
        });
  }
}
