package dev.upcycle.model;

import dev.upcycle.arch.Role;
import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.checkpoint.TensorEntry;
import dev.upcycle.kernels.attention.RotaryEmbedding;
import dev.upcycle.kernels.ffn.Linear;
import dev.upcycle.kernels.moe.RoutingPass;
import dev.upcycle.kernels.tensor.DType;
import dev.upcycle.kernels.tensor.Device;
import dev.upcycle.kernels.tensor.Functions;
import dev.upcycle.kernels.tensor.Gradients;
import dev.upcycle.kernels.tensor.MappedFile;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.TensorScope;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.LongStream;

/// A decoder that is walked in float32 a layer at a time, for models larger than memory.
///
/// Holds no weights between two calls: each maps what it needs, converts it and lets it go. Records
/// no graph. What a call returns belongs to the caller's scope.
public final class LayerWalk {
  private final CheckpointBinding binding;
  private final DecoderForm form;
  private final ModelOptions options;

  private LayerWalk(CheckpointBinding binding, DecoderForm form, ModelOptions options) {
    this.binding = binding;
    this.form = form;
    this.options = options;
  }

  /// Binds a checkpoint; reads no weights.
  ///
  /// @throws dev.upcycle.checkpoint.CheckpointFormatException as [DecoderModel#open]
  public static LayerWalk open(Checkpoint checkpoint, Device device) {
    CheckpointBinding binding = CheckpointBinding.of(StoredPart.whole(checkpoint));
    return new LayerWalk(binding, DecoderForm.of(binding), new ModelOptions(device, DType.F32));
  }

  /// The config, the family's defaults filled in.
  public ModelConfig config() {
    return binding.config();
  }

  /// Number of layers.
  public int layers() {
    return binding.dimensions().layers();
  }

  /// Size of the vocabulary.
  public long vocab() {
    return binding.dimensions().vocab();
  }

  /// Token ids `[batch, seq]`, 64-bit, to `[batch, seq, hidden]`; only their rows are read.
  public Tensor embed(Tensor ids) {
    TensorEntry entry = binding.require(binding.embedding());
    try (TensorScope scope = TensorScope.open();
        Gradients.Pause _ = Gradients.pause();
        MappedFile file = MappedFile.open(entry.file())) {
      Tensor table =
          file.tensor(
              entry.offset(),
              WeightLoader.dtype(entry),
              entry.shape().dimension(0),
              entry.shape().dimension(1));
      Tensor rows = Functions.embedding(table, ids.to(Device.CPU));
      return scope.keep(rows.to(DType.F32).to(options.device()));
    }
  }

  /// One layer with all of its experts.
  ///
  /// @param hidden `[batch, seq, hidden]`, the layer before's, at positions 0 to seq - 1
  public LayerOutput layer(int index, Tensor hidden) {
    return layer(index, hidden, (_, weight) -> weight);
  }

  /// What a layer computes with in place of a weight of its checkpoint.
  @FunctionalInterface
  public interface Change {
    /// A tensor of the same shape; the weight itself must stay as it is.
    Tensor of(String name, Tensor weight);
  }

  /// One layer with some of its weights changed in memory, such as a wrong expert for a control.
  public LayerOutput layer(int index, Tensor hidden, Change change) {
    CheckpointBinding.Names names = binding.layers().get(index);
    try (TensorScope scope = TensorScope.open();
        Gradients.Pause _ = Gradients.pause();
        WeightLoader loader = new WeightLoader(options)) {
      Map<String, Tensor> weights = new HashMap<>();
      names
          .all()
          .forEach(name -> weights.put(name, change.of(name, loader.load(binding.require(name)))));
      TransformerLayer layer =
          new LayerAssembly(names, form.layers(), new WeightTable(weights)).assemble(index);
      LayerOutput output = layer.forward(hidden, context(hidden.size(1)));
      scope.keep(output.hidden());
      scope.keep(output.feedForwardInput());
      output.findRouting().ifPresent(routing -> KeptOutput.keep(scope, routing));
      return output;
    }
  }

  private TransformerLayer.Context context(long seq) {
    RotaryEmbedding.Rotation rotation =
        form.rotary().at(options.device(), DType.F32, LongStream.range(0, seq).toArray());
    return new TransformerLayer.Context(rotation, RoutingPass.Infer.ofAll(), null);
  }

  /// The final norm, `[batch, seq, hidden]` to the same.
  public Tensor normalise(Tensor hidden) {
    String name = binding.frame().require(Role.FINAL_NORM);
    try (TensorScope scope = TensorScope.open();
        Gradients.Pause _ = Gradients.pause();
        WeightLoader loader = new WeightLoader(options)) {
      WeightTable table = new WeightTable(Map.of(name, loader.load(binding.require(name))));
      return scope.keep(table.norm(name, form.layers().norm()).forward(hidden));
    }
  }

  /// Logits of consecutive entries of the vocabulary, `[batch, seq, count]`.
  ///
  /// @param normalised what [#normalise] gave
  public Tensor logits(Tensor normalised, long first, long count) {
    if (first < 0 || count < 1 || count > vocab() - first) {
      throw new IllegalArgumentException(
          "a vocabulary of %d has no entries %d to %d"
              .formatted(vocab(), first, first + count - 1));
    }
    TensorEntry entry = binding.require(binding.head());
    try (TensorScope scope = TensorScope.open();
        Gradients.Pause _ = Gradients.pause();
        WeightLoader loader = new WeightLoader(options)) {
      return scope.keep(Linear.of(loader.loadRows(entry, first, count)).forward(normalised));
    }
  }
}
