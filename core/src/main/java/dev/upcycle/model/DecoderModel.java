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
import dev.upcycle.kernels.tensor.TensorScope;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Objects;
import java.util.SequencedMap;
import java.util.stream.LongStream;

/// A decoder with its weights in memory.
///
/// Weights are the file's own pages where its type is the one computed in and the device is the
/// CPU, else copies; either way a write to them never reaches the file. It owns them until it is
/// closed. A pass under [dev.upcycle.kernels.tensor.Gradients#pause()] records no graph, any other
/// does for weights that are tracked.
public final class DecoderModel implements AutoCloseable {
  private final CheckpointBinding binding;
  private final DecoderForm form;
  private final ModelOptions options;
  private final TensorScope owner = TensorScope.detached();
  private final SequencedMap<String, Tensor> parameters;
  private final List<DecoderLayer> layers;
  private final Norm finalNorm;

  private DecoderModel(CheckpointBinding binding, DecoderForm form, ModelOptions options) {
    this.binding = binding;
    this.form = form;
    this.options = options;
    this.parameters = Collections.unmodifiableSequencedMap(load());
    List<DecoderLayer> assembled = new ArrayList<>();
    for (int layer = 0; layer < binding.layers().size(); layer++) {
      assembled.add(
          new LayerAssembly(binding.layers().get(layer), form, parameters).assemble(layer));
    }
    this.layers = List.copyOf(assembled);
    this.finalNorm =
        new Norm.RmsNorm(parameter(binding.frame().require(Role.FINAL_NORM)), form.epsilon());
  }

  /// Binds a checkpoint.
  ///
  /// @throws dev.upcycle.checkpoint.CheckpointFormatException naming every tensor that is missing,
  ///   left over or of another shape than the config promises, or the config key that is not known
  public static DecoderModel open(Checkpoint checkpoint, ModelOptions options) {
    CheckpointBinding binding = CheckpointBinding.of(checkpoint);
    return new DecoderModel(binding, DecoderForm.of(binding), options);
  }

  private SequencedMap<String, Tensor> load() {
    SequencedMap<String, Tensor> loaded = new LinkedHashMap<>();
    try (WeightLoader loader = new WeightLoader(options)) {
      binding
          .entries()
          .forEach((name, entry) -> {
            try (TensorScope _ = TensorScope.open()) {
              loaded.put(name, owner.hold(loader.load(entry)));
            }
          });
    } catch (RuntimeException | Error e) {
      owner.close();
      throw e;
    }
    return loaded;
  }

  private Tensor parameter(String name) {
    return Objects.requireNonNull(parameters.get(name), name);
  }

  /// All weights by Hugging Face name, in state dict order; a tied head has no entry of its own.
  public SequencedMap<String, Tensor> parameters() {
    return parameters;
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
  public List<DecoderLayer> layers() {
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
    return Functions.embedding(parameter(binding.embedding()), ids.to(options.device()));
  }

  /// Embeddings of tokens or of anything else, `[batch, seq, hidden]`, to what the head reads.
  public HiddenOutput hidden(Tensor embeddings, ForwardPass pass) {
    RotaryEmbedding.Rotation rotation = rotation(embeddings.size(1), pass);
    List<LayerRouting> routings = new ArrayList<>();
    Tensor hidden = embeddings;
    for (int layer = 0; layer < layers.size(); layer++) {
      try (TensorScope scope = TensorScope.open()) {
        LayerOutput output = layers.get(layer).forward(hidden, context(layer, rotation, pass));
        hidden = scope.keep(output.hidden());
        int index = layer;
        output
            .findRouting()
            .map(routing -> new LayerRouting(index, KeptOutput.keep(scope, routing)))
            .ifPresent(routings::add);
      }
    }
    return new HiddenOutput(finalNorm.forward(hidden), routings);
  }

  /// Cosines and sines of the next `seq` positions of a pass.
  public RotaryEmbedding.Rotation rotation(long seq, ForwardPass pass) {
    KvCache cache = pass.cache();
    long first = cache == null ? 0 : cache.layer(0).length();
    return form.rotary()
        .at(options.device(), options.compute(), LongStream.range(first, first + seq).toArray());
  }

  /// What [DecoderLayer#forward] of one layer needs in a pass, to walk the layers by hand.
  public DecoderLayer.Context context(
      int layer, RotaryEmbedding.Rotation rotation, ForwardPass pass) {
    KvCache cache = pass.cache();
    return new DecoderLayer.Context(
        rotation, pass.routing(layer), cache == null ? null : cache.layer(layer));
  }

  /// The norm after the last layer.
  public Norm finalNorm() {
    return finalNorm;
  }

  /// The map from what [#hidden] gives to logits.
  public Linear head() {
    return Linear.of(parameter(binding.head()));
  }

  @Override
  public void close() {
    owner.close();
  }
}
