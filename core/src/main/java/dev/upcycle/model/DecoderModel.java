package dev.upcycle.model;

import dev.upcycle.arch.Architecture;
import dev.upcycle.arch.Dimensions;
import dev.upcycle.arch.Role;
import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.kernels.attention.KvCache;
import dev.upcycle.kernels.attention.RotaryEmbedding;
import dev.upcycle.kernels.ffn.Linear;
import dev.upcycle.kernels.norm.Norm;
import dev.upcycle.kernels.tensor.Functions;
import dev.upcycle.kernels.tensor.Tensor;
import java.nio.file.Path;
import java.util.List;
import java.util.SequencedMap;
import java.util.stream.LongStream;

/// A decoder with its weights in memory.
///
/// Weights are the file's own pages where its type is the one computed in and the device is the
/// CPU, else copies; either way a write to them never reaches the file. It owns them until it is
/// closed. A pass under [dev.upcycle.kernels.tensor.Gradients#pause()] records no graph, any other
/// does for weights that are tracked.
public final class DecoderModel implements AutoCloseable {
  private final Path directory;
  private final CheckpointBinding binding;
  private final DecoderForm form;
  private final ModelOptions options;
  private final ModelWeights weights;
  private final List<TransformerLayer> layers;
  private final Norm finalNorm;

  /// @param weights taken over once nothing can fail any more
  private DecoderModel(
      Path directory, CheckpointBinding binding, ModelOptions options, ModelWeights weights) {
    this.directory = directory;
    this.binding = binding;
    this.form = DecoderForm.of(binding);
    this.options = options;
    this.weights = weights;
    this.layers = LayerAssembly.all(binding, form.layers(), weights.table());
    String norm = binding.frame().require(Role.FINAL_NORM);
    this.finalNorm = weights.table().norm(norm, form.layers().norm());
  }

  /// Binds a checkpoint.
  ///
  /// @throws dev.upcycle.checkpoint.CheckpointFormatException naming tensors that are missing, left
  ///   over or of another shape than the config promises, or the config key that is not known
  public static DecoderModel open(Checkpoint checkpoint, ModelOptions options) {
    return open(StoredPart.whole(checkpoint), options);
  }

  static DecoderModel open(StoredPart part, ModelOptions options) {
    CheckpointBinding binding = CheckpointBinding.of(part);
    try (Claims claims = new Claims()) {
      ModelWeights weights = claims.own(ModelWeights.load(binding, options), ModelWeights::close);
      return claims.handOver(
          new DecoderModel(part.checkpoint().directory(), binding, options, weights));
    }
  }

  /// Where its files are.
  public Path directory() {
    return directory;
  }

  /// All weights by Hugging Face name, in state dict order; a tied head has no entry of its own.
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

  /// Where and in what type it computes.
  public ModelOptions options() {
    return options;
  }

  /// The layers, first to last.
  public List<TransformerLayer> layers() {
    return layers;
  }

  /// An empty cache for [ForwardPass#cached].
  public KvCache newCache() {
    return new KvCache(layers.size());
  }

  /// Token ids `[batch, seq]`, 64-bit, to logits.
  public DecoderOutput forward(Tensor ids, ForwardPass pass) {
    HiddenOutput output = hidden(embed(ids), pass);
    return new DecoderOutput(head().forward(output.hidden()), output.routings());
  }

  /// Token ids `[batch, seq]` to `[batch, seq, hidden]`.
  public Tensor embed(Tensor ids) {
    return Functions.embedding(
        weights.table().require(binding.embedding()), ids.send(options.device()));
  }

  /// Embeddings of tokens or of anything else, `[batch, seq, hidden]`, to what the head reads.
  public HiddenOutput hidden(Tensor embeddings, ForwardPass pass) {
    RotaryEmbedding.Rotation rotation = rotation(embeddings.size(1), pass);
    HiddenOutput output =
        LayerStack.pass(layers, embeddings, layer -> context(layer, rotation, pass));
    return new HiddenOutput(finalNorm.forward(output.hidden()), output.routings());
  }

  /// Cosines and sines of the next `seq` positions of a pass.
  public RotaryEmbedding.Rotation rotation(long seq, ForwardPass pass) {
    KvCache cache = pass.cache();
    long first = cache == null ? 0 : cache.layer(0).length();
    return form.rotary()
        .at(options.device(), options.compute(), LongStream.range(first, first + seq).toArray());
  }

  /// What [TransformerLayer#forward] of one layer needs in a pass, to walk the layers by hand.
  public TransformerLayer.Context context(
      int layer, RotaryEmbedding.Rotation rotation, ForwardPass pass) {
    KvCache cache = pass.cache();
    return new TransformerLayer.Context(
        rotation, pass.routing(layer), cache == null ? null : cache.layer(layer), pass.documents());
  }

  /// The norm after the last layer.
  public Norm finalNorm() {
    return finalNorm;
  }

  /// The map from what [#hidden] gives to logits.
  public Linear head() {
    return Linear.of(weights.table().require(binding.head()));
  }

  @Override
  public void close() {
    weights.close();
  }
}
