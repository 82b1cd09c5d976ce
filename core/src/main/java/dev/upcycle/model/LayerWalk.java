package dev.upcycle.model;

import dev.upcycle.arch.Role;
import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.checkpoint.TensorEntry;
import dev.upcycle.kernels.ffn.Linear;
import dev.upcycle.kernels.tensor.DType;
import dev.upcycle.kernels.tensor.Device;
import dev.upcycle.kernels.tensor.Gradients;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.TensorScope;
import java.util.List;

/// A decoder that is walked a layer at a time, for models larger than memory.
///
/// Holds no weights between two calls: each maps what it needs, converts it and lets it go. Records
/// no graph. What a call returns belongs to the caller's scope.
public final class LayerWalk {
  private final CheckpointBinding binding;
  private final NormForm norm;
  private final ModelOptions options;
  private final StackWalk stack;

  private LayerWalk(CheckpointBinding binding, DecoderForm form, ModelOptions options) {
    this.binding = binding;
    this.norm = form.layers().norm();
    this.options = options;
    this.stack = new StackWalk(new BorrowedWeights(binding, options), form.layers(), form.rotary());
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
    return open(StoredPart.whole(checkpoint), options);
  }

  static LayerWalk open(StoredPart part, ModelOptions options) {
    CheckpointBinding binding = CheckpointBinding.of(part);
    return new LayerWalk(binding, DecoderForm.of(binding), options);
  }

  /// The layers.
  public StackWalk stack() {
    return stack;
  }

  /// The config, the family's defaults filled in.
  public ModelConfig config() {
    return binding.config();
  }

  /// Number of layers.
  public int layers() {
    return stack.layers();
  }

  /// Size of the vocabulary.
  public long vocab() {
    return binding.dimensions().vocab();
  }

  /// Token ids `[batch, seq]`, 64-bit, to `[batch, seq, hidden]`; only their rows are read where
  /// the table lies in row-major order.
  public Tensor embed(Tensor ids) {
    return new BorrowedWeights(binding, options).rows(binding.embedding(), ids);
  }

  /// One layer with all of its experts.
  ///
  /// @param hidden `[batch, seq, hidden]`, the layer before's, at positions 0 to seq - 1
  public LayerOutput layer(int index, Tensor hidden) {
    return stack.layer(index, hidden);
  }

  /// One layer over several texts, its weights loaded once.
  ///
  /// @param hidden `[batch, seq, hidden]` each, of any lengths
  public List<LayerOutput> layer(int index, List<Tensor> hidden) {
    return stack.layer(index, hidden, WeightChange.NONE);
  }

  /// The final norm, `[batch, seq, hidden]` to the same.
  public Tensor normalise(Tensor hidden) {
    String name = binding.frame().require(Role.FINAL_NORM);
    return new BorrowedWeights(binding, options)
        .with(
            List.of(name),
            WeightChange.NONE,
            (table, scope) -> scope.keep(table.norm(name, norm).forward(hidden)));
  }

  /// Logits of consecutive entries of the vocabulary, `[batch, seq, count]`.
  ///
  /// @param normalised what [#normalise] gave
  public Tensor logits(Tensor normalised, long first, long count) {
    return logits(List.of(normalised), first, count).getFirst();
  }

  /// The same of several texts, the head's rows loaded once.
  public List<Tensor> logits(List<Tensor> normalised, long first, long count) {
    if (first < 0 || count < 1 || count > vocab() - first) {
      throw new IllegalArgumentException(
          "a vocabulary of %d has no entries %d to %d"
              .formatted(vocab(), first, first + count - 1));
    }
    TensorEntry entry = binding.require(binding.head());
    try (TensorScope scope = TensorScope.open();
        Gradients.Pause _ = Gradients.pause();
        WeightLoader loader = new WeightLoader(options)) {
      Linear head = Linear.of(loader.loadRows(entry, first, count));
      return normalised.stream().map(one -> scope.keep(head.forward(one))).toList();
    }
  }
}
