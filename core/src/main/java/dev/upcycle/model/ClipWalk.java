package dev.upcycle.model;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.vision.ContrastiveHead;
import dev.upcycle.recipe.Part;

/// CLIP or SigLIP whole, its towers walked a layer at a time.
public final class ClipWalk {
  private final BorrowedWeights weights;
  private final TowerWalk vision;
  private final TextTowerWalk text;

  private ClipWalk(StoredPart whole, ModelOptions options) {
    this.weights = new BorrowedWeights(ClipModel.bind(whole), options);
    this.vision = TowerWalk.open(whole.part(Part.VISION), options);
    this.text = TextTowerWalk.open(whole.part(Part.LANGUAGE), options);
  }

  /// Binds a checkpoint of both towers; reads no weights.
  ///
  /// @throws dev.upcycle.checkpoint.CheckpointFormatException as [ClipModel#open]
  public static ClipWalk open(Checkpoint checkpoint, ModelOptions options) {
    return new ClipWalk(StoredPart.whole(checkpoint), options);
  }

  /// The image tower.
  public TowerWalk vision() {
    return vision;
  }

  /// The text tower.
  public TextTowerWalk text() {
    return text;
  }

  /// What the towers say of each other.
  ///
  /// @param images `[images, projection]`, of length 1
  /// @param texts `[texts, projection]`, of length 1
  /// @param logits `[images, texts]`
  public record Match(Tensor images, Tensor texts, Tensor logits) {}

  /// Compares every image with every text by what the towers give of them.
  public Match match(Tensor pooledImages, Tensor pooledTexts) {
    return weights.with(
        weights.binding().frame().all(),
        WeightChange.NONE,
        (table, scope) -> {
          ContrastiveHead head = ClipModel.head(weights.binding(), table);
          Tensor images = scope.keep(head.embedImages(pooledImages));
          Tensor texts = scope.keep(head.embedTexts(pooledTexts));
          return new Match(images, texts, scope.keep(head.logits(images, texts)));
        });
  }
}
