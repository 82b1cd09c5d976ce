package dev.upcycle.model;

import dev.upcycle.arch.Architecture;
import dev.upcycle.arch.Dimensions;
import dev.upcycle.arch.Role;
import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.CheckpointFault;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.kernels.norm.Norm;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.vision.ImageEmbedding;
import dev.upcycle.kernels.vision.PatchEmbedding;
import dev.upcycle.recipe.Part;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/// An image tower with its weights in memory: CLIP's, SigLIP's or a ViT, dense or with experts.
///
/// Owns its weights until it is closed, as [DecoderModel] does.
public final class VisionTower implements AutoCloseable {
  private final CheckpointBinding binding;
  private final ModelOptions options;
  private final ModelWeights weights;
  private final ImageEmbedding embedding;
  private final @Nullable Norm preNorm;
  private final List<TransformerLayer> layers;
  private final LayerForm form;

  private VisionTower(CheckpointBinding binding, LayerForm form, ModelOptions options) {
    this.binding = binding;
    this.options = options;
    this.form = form;
    this.weights = ModelWeights.load(binding, options);
    this.embedding = embedding(binding.frame(), weights.table());
    Optional<String> norm = binding.frame().find(Role.PRE_NORM);
    this.preNorm = norm.map(name -> weights.table().norm(name, form.norm())).orElse(null);
    this.layers = LayerAssembly.all(binding, form, weights.table());
  }

  /// Binds a checkpoint that is an image tower.
  ///
  /// @throws CheckpointFormatException as [DecoderModel#open], or when it is none
  public static VisionTower open(Checkpoint checkpoint, ModelOptions options) {
    return open(StoredPart.whole(checkpoint), options);
  }

  static VisionTower open(StoredPart part, ModelOptions options) {
    if (!part.family().part().equals(Optional.of(Part.VISION))) {
      throw new CheckpointFormatException(
          CheckpointFault.BAD_CONFIG_VALUE,
          "%s is a %s, expected an image tower"
              .formatted(part.checkpoint().directory(), part.family().modelType()));
    }
    CheckpointBinding binding = CheckpointBinding.of(part);
    return new VisionTower(binding, LayerForm.of(binding), options);
  }

  static ImageEmbedding embedding(CheckpointBinding.Names frame, WeightTable weights) {
    PatchEmbedding patches =
        new PatchEmbedding(
            weights.require(frame.require(Role.PATCH_EMBEDDING)),
            frame.find(Role.PATCH_BIAS).map(weights::require).orElse(null));
    return new ImageEmbedding(
        patches,
        frame.find(Role.CLASS_EMBEDDING).map(weights::require).orElse(null),
        weights.require(frame.require(Role.POSITION_EMBEDDING)));
  }

  /// All weights by their names in the checkpoint's files.
  public SequencedMap<String, Tensor> parameters() {
    return weights.parameters();
  }

  /// The family.
  public Architecture architecture() {
    return binding.family();
  }

  /// The config, the family's defaults filled in.
  public ModelConfig config() {
    return binding.config();
  }

  /// The sizes.
  public Dimensions dimensions() {
    return binding.dimensions();
  }

  /// The layers, first to last.
  public List<TransformerLayer> layers() {
    return layers;
  }

  /// Prepared pixels `[images, channels, height, width]` to what the first layer reads.
  public Tensor embed(Tensor pixels) {
    Tensor places = embedding.forward(pixels.to(options.compute()).to(options.device()));
    return preNorm == null ? places : preNorm.forward(places);
  }

  /// The states after the first `count` layers, `[images, places, hidden]`; the others are not
  /// computed.
  public HiddenOutput states(Tensor pixels, int count, ForwardPass pass) {
    return LayerStack.pass(
        layers.subList(0, count),
        embed(pixels),
        layer -> new TransformerLayer.Context(null, pass.routing(layer), null));
  }

  /// How many layers it takes to a state, counted as `vision_feature_layer` counts: 0 before the
  /// first layer, -1 after the last.
  ///
  /// @throws CheckpointFormatException when the tower has no such state
  public int layersTo(long state) {
    long count = state < 0 ? layers.size() + 1 + state : state;
    if (count < 0 || count > layers.size()) {
      throw new CheckpointFormatException(
          CheckpointFault.BAD_CONFIG_VALUE,
          "vision_feature_layer in config.json is %d, expected %d to %d: the tower has %d layers"
              .formatted(state, -layers.size() - 1, layers.size(), layers.size()));
    }
    return Math.toIntExact(count);
  }

  /// The whole tower.
  public VisionOutput forward(Tensor pixels, ForwardPass pass) {
    // The head's views of one stored matrix belong to this pass's graph, so each pass makes its
    // own.
    return VisionHead.of(binding, form, weights.table()).apply(states(pixels, layers.size(), pass));
  }

  @Override
  public void close() {
    weights.close();
  }
}
