package dev.upcycle.model;

import dev.upcycle.arch.Role;
import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.CheckpointFault;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.kernels.ffn.Linear;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.vision.ContrastiveHead;
import dev.upcycle.recipe.Part;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/// CLIP or SigLIP whole: an image tower and a text tower whose vectors are compared.
///
/// Owns its weights until it is closed, as [DecoderModel] does.
public final class ClipModel implements AutoCloseable {
  private final CheckpointBinding binding;
  private final ModelWeights weights;
  private final VisionTower vision;
  private final TextTower text;

  private ClipModel(
      CheckpointBinding binding, ModelWeights weights, VisionTower vision, TextTower text) {
    this.binding = binding;
    this.weights = weights;
    this.vision = vision;
    this.text = text;
  }

  /// Binds a checkpoint of both towers.
  ///
  /// @throws CheckpointFormatException as [DecoderModel#open], or when it is something else
  public static ClipModel open(Checkpoint checkpoint, ModelOptions options) {
    StoredPart whole = StoredPart.whole(checkpoint);
    CheckpointBinding binding = bind(whole);
    StoredPart vision = whole.part(Part.VISION);
    StoredPart text = whole.part(Part.LANGUAGE);
    try (Claims claims = new Claims()) {
      return claims.handOver(
          new ClipModel(
              binding,
              claims.own(ModelWeights.load(binding, options), ModelWeights::close),
              claims.own(VisionTower.open(vision, options), VisionTower::close),
              claims.own(TextTower.open(text, options), TextTower::close)));
    }
  }

  static CheckpointBinding bind(StoredPart whole) {
    if (!whole.family().has(Role.LOGIT_SCALE)) {
      throw new CheckpointFormatException(
          CheckpointFault.BAD_CONFIG_VALUE,
          "%s is a %s, expected a CLIP or a SigLIP with both towers"
              .formatted(whole.checkpoint().directory(), whole.family().modelType()));
    }
    if (poolsNoImage(whole)) {
      throw new CheckpointFormatException(
          CheckpointFault.BAD_CONFIG_VALUE,
          ("vision_use_head in vision_config of %s is false, expected true: a tower without a"
                  + " head gives nothing to compare")
              .formatted(whole.checkpoint().directory()));
    }
    return CheckpointBinding.of(whole);
  }

  private static boolean poolsNoImage(StoredPart whole) {
    return whole
        .config()
        .findNested("vision_config")
        .flatMap(vision -> vision.findBoolean("vision_use_head"))
        .filter(head -> !head)
        .isPresent();
  }

  /// What both towers say of each other.
  ///
  /// @param images `[images, projection]`, of length 1
  /// @param texts `[texts, projection]`, of length 1
  /// @param logits `[images, texts]`
  /// @param routings of the layers that have experts, by tower
  public record Output(Tensor images, Tensor texts, Tensor logits, Routings routings) {}

  /// One routing per layer that has experts, in the order of layers.
  ///
  /// @param vision of the image tower
  /// @param text of the text tower
  public record Routings(List<LayerRouting> vision, List<LayerRouting> text) {
    /// Takes copies.
    public Routings {
      vision = List.copyOf(vision);
      text = List.copyOf(text);
    }
  }

  /// The image tower.
  public VisionTower vision() {
    return vision;
  }

  /// The text tower.
  public TextTower text() {
    return text;
  }

  /// All weights by their names in the checkpoint's files.
  public SequencedMap<String, Tensor> parameters() {
    SequencedMap<String, Tensor> all = new LinkedHashMap<>(text.parameters());
    all.putAll(vision.parameters());
    all.putAll(weights.parameters());
    return Collections.unmodifiableSequencedMap(all);
  }

  /// The maps into the space that images and texts share, and the scale there.
  public ContrastiveHead head() {
    return head(binding, weights.table());
  }

  static ContrastiveHead head(CheckpointBinding binding, WeightTable table) {
    List<String> maps = binding.frame().all(Role.PROJECTION);
    return new ContrastiveHead(
        projection(maps, "visual", table),
        projection(maps, "text", table),
        new ContrastiveHead.Scale(
            table.require(binding.frame().require(Role.LOGIT_SCALE)),
            binding.frame().find(Role.LOGIT_BIAS).map(table::require).orElse(null)));
  }

  /// A SigLIP has none: what its towers give lies in one space.
  private static @Nullable Linear projection(List<String> maps, String start, WeightTable table) {
    return maps.stream()
        .filter(name -> name.startsWith(start))
        .findFirst()
        .map(table::linear)
        .orElse(null);
  }

  /// Compares every image with every text.
  ///
  /// @param pixels `[images, channels, height, width]`, prepared
  /// @param ids `[texts, seq]`
  public Output forward(Tensor pixels, Tensor ids, ForwardPass pass) {
    VisionOutput seen = vision.forward(pixels, pass.elsewhere(1));
    TextTower.Output read = text.forward(ids, pass);
    ContrastiveHead head = head();
    Tensor images = head.embedImages(seen.findPooled().orElseThrow());
    Tensor texts = head.embedTexts(read.pooled());
    return new Output(
        images, texts, head.logits(images, texts), new Routings(seen.routings(), read.routings()));
  }

  @Override
  public void close() {
    weights.close();
    vision.close();
    text.close();
  }
}
