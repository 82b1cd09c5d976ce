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
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;

/// A decoder that is walked a layer at a time, for models larger than memory.
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

  /// Binds a checkpoint to be walked in float32; reads no weights.
  ///
  /// @throws dev.upcycle.checkpoint.CheckpointFormatException as [DecoderModel#open]
  public static LayerWalk open(Checkpoint checkpoint, Device device) {
    return open(checkpoint, new ModelOptions(device, DType.F32));
  }

  /// Binds a checkpoint; reads no weights.
  ///
  /// @throws dev.upcycle.checkpoint.CheckpointFormatException as [DecoderModel#open]
  public static LayerWalk open(Checkpoint checkpoint, ModelOptions options) {
    CheckpointBinding binding = CheckpointBinding.of(StoredPart.whole(checkpoint));
    return new LayerWalk(binding, DecoderForm.of(binding), options);
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

  /// Token ids `[batch, seq]`, 64-bit, to `[batch, seq, hidden]`; only their rows are read where
  /// the table lies in row-major order.
  public Tensor embed(Tensor ids) {
    TensorEntry entry = binding.require(binding.embedding());
    try (TensorScope scope = TensorScope.open();
        Gradients.Pause _ = Gradients.pause();
        MappedFile file = MappedFile.open(entry.file());
        WeightLoader loader = new WeightLoader(new ModelOptions(Device.CPU, options.compute()))) {
      Tensor table =
          entry.contiguous()
              ? file.tensor(
                  entry.offset(),
                  WeightLoader.dtype(entry),
                  entry.shape().dimension(0),
                  entry.shape().dimension(1))
              : loader.load(entry);
      Tensor rows = Functions.embedding(table, ids.to(Device.CPU));
      return scope.keep(rows.to(options.compute()).to(options.device()));
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
    try (TensorScope scope = TensorScope.open();
        Gradients.Pause _ = Gradients.pause();
        WeightLoader loader = new WeightLoader(options)) {
      return keep(scope, forward(assemble(index, loader, change), hidden));
    }
  }

  /// One layer over several texts, its weights loaded once.
  ///
  /// @param hidden `[batch, seq, hidden]` each, of any lengths
  public List<LayerOutput> layer(int index, List<Tensor> hidden) {
    try (TensorScope scope = TensorScope.open();
        Gradients.Pause _ = Gradients.pause();
        WeightLoader loader = new WeightLoader(options)) {
      TransformerLayer layer = assemble(index, loader, (_, weight) -> weight);
      List<LayerOutput> outputs = new ArrayList<>();
      for (Tensor one : hidden) {
        try (TensorScope passing = TensorScope.open()) {
          outputs.add(keep(passing, forward(layer, one)));
        }
      }
      outputs.forEach(output -> keep(scope, output));
      return outputs;
    }
  }

  private TransformerLayer assemble(int index, WeightLoader loader, Change change) {
    CheckpointBinding.Names names = binding.layers().get(index);
    Map<String, Tensor> weights = new HashMap<>();
    names
        .all()
        .forEach(name -> weights.put(name, change.of(name, loader.load(binding.require(name)))));
    return new LayerAssembly(names, form.layers(), new WeightTable(weights)).assemble(index);
  }

  private LayerOutput forward(TransformerLayer layer, Tensor hidden) {
    return layer.forward(hidden, context(hidden.size(1)));
  }

  private static LayerOutput keep(TensorScope scope, LayerOutput output) {
    scope.keep(output.hidden());
    scope.keep(output.feedForwardInput());
    output.findRouting().ifPresent(routing -> KeptOutput.keep(scope, routing));
    return output;
  }

  private TransformerLayer.Context context(long seq) {
    RotaryEmbedding.Rotation rotation =
        form.rotary().at(options.device(), options.compute(), LongStream.range(0, seq).toArray());
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
