package dev.upcycle.model;

import dev.upcycle.arch.Architecture;
import dev.upcycle.arch.Dimensions;
import dev.upcycle.arch.TowerState;
import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.CheckpointFault;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.recipe.Part;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;

/// An image tower with its weights in memory: CLIP's, SigLIP's or a ViT, dense or with experts.
///
/// Owns its weights until it is closed, as [DecoderModel] does.
public final class VisionTower implements AutoCloseable {
  private final CheckpointBinding binding;
  private final ModelOptions options;
  private final ModelWeights weights;
  private final VisionFront front;
  private final List<TransformerLayer> layers;
  private final LayerForm form;

  private VisionTower(
      CheckpointBinding binding, LayerForm form, ModelOptions options, ModelWeights weights) {
    this.binding = binding;
    this.options = options;
    this.form = form;
    this.weights = weights;
    this.front = VisionFront.of(binding, form, weights.table());
    this.layers = LayerAssembly.all(binding, form, weights.table());
  }

  /// Binds a checkpoint that is an image tower.
  ///
  /// @throws CheckpointFormatException as [DecoderModel#open], or when it is none
  public static VisionTower open(Checkpoint checkpoint, ModelOptions options) {
    return open(StoredPart.whole(checkpoint), options);
  }

  static VisionTower open(StoredPart part, ModelOptions options) {
    CheckpointBinding binding = bind(part);
    LayerForm form = LayerForm.of(binding);
    try (Claims claims = new Claims()) {
      ModelWeights weights = claims.own(ModelWeights.load(binding, options), ModelWeights::close);
      return claims.handOver(new VisionTower(binding, form, options, weights));
    }
  }

  static CheckpointBinding bind(StoredPart part) {
    if (!part.family().part().equals(Optional.of(Part.VISION))) {
      throw new CheckpointFormatException(
          CheckpointFault.BAD_CONFIG_VALUE,
          "%s is a %s, expected an image tower"
              .formatted(part.checkpoint().directory(), part.family().modelType()));
    }
    return CheckpointBinding.of(part);
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

  /// What it takes for an image.
  public PixelShape pixels() {
    return PixelShape.of(binding.dimensions());
  }

  /// The layers, first to last.
  public List<TransformerLayer> layers() {
    return layers;
  }

  /// Prepared pixels `[images, channels, height, width]` to what the first layer reads.
  public Tensor embed(Tensor pixels) {
    return front.forward(pixels, options);
  }

  /// The states after the first `count` layers, `[images, places, hidden]`; the others are not
  /// computed.
  public HiddenOutput states(Tensor pixels, int count, ForwardPass pass) {
    return through(0, count, embed(pixels), pass);
  }

  /// The states after the last layer, given those after the first `count`.
  HiddenOutput rest(Tensor states, int count, ForwardPass pass) {
    return through(count, layers.size(), states, pass);
  }

  private HiddenOutput through(int first, int end, Tensor states, ForwardPass pass) {
    return LayerStack.pass(
        layers.subList(first, end),
        states,
        layer -> new TransformerLayer.Context(null, pass.routing(first + layer), null));
  }

  /// How many layers it takes to a state, counted as `vision_feature_layer` counts: 0 before the
  /// first layer, -1 after the last.
  ///
  /// @throws CheckpointFormatException when the tower has no such state
  public int layersTo(long state) {
    return layersTo(state, layers.size());
  }

  static int layersTo(long state, int layers) {
    return new TowerState(TowerState.KEY, state, layers).count();
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
