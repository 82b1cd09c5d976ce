package dev.upcycle.kernels.attention;

import dev.upcycle.kernels.ffn.Linear;
import dev.upcycle.kernels.norm.Norm;
import dev.upcycle.kernels.tensor.AttentionInputs;
import dev.upcycle.kernels.tensor.DType;
import dev.upcycle.kernels.tensor.Device;
import dev.upcycle.kernels.tensor.Functions;
import dev.upcycle.kernels.tensor.Sight;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.Tensors;
import org.jspecify.annotations.Nullable;

/// Multi-head attention whose key-value heads are shared by groups of query heads (Ainslie et al.,
/// arXiv 2305.13245), `[batch, seq, hidden]` to the same.
///
/// @param form heads and what they may see
/// @param projections the four linear maps
/// @param queryNorm over each head of the queries before rotation, or null; Qwen3 has both
/// @param keyNorm over each head of the keys, or null
public record GroupedQueryAttention(
    Form form, Projections projections, @Nullable Norm queryNorm, @Nullable Norm keyNorm) {

  /// Sizes and sight.
  ///
  /// @param heads of the queries
  /// @param kvHeads of keys and values; divides `heads`
  /// @param headDim width of each head
  public record Form(int heads, int kvHeads, int headDim, AttentionPattern pattern) {
    /// Refuses heads that cannot be shared evenly.
    public Form {
      if (kvHeads < 1 || heads % kvHeads != 0) {
        throw new IllegalArgumentException(
            "%d query heads cannot share %d key-value heads".formatted(heads, kvHeads));
      }
    }
  }

  /// The linear maps, with or without biases.
  ///
  /// @param query `[heads · headDim, hidden]`
  /// @param key `[kvHeads · headDim, hidden]`
  /// @param value `[kvHeads · headDim, hidden]`
  /// @param output `[hidden, heads · headDim]`
  public record Projections(Linear query, Linear key, Linear value, Linear output) {}

  /// Attention without a cache.
  ///
  /// @param rotation null where positions are not rotary, as in CLIP
  public Tensor forward(Tensor hidden, RotaryEmbedding.@Nullable Rotation rotation) {
    Sight sight = form.pattern().sight(positions(hidden, rotation));
    return attend(hidden, inputs(hidden, rotation), sight);
  }

  /// Attention within each text of packed sequences, without a cache. Positions run on over the
  /// borders of texts: only their differences count.
  ///
  /// @param rotation null where positions are not rotary
  public Tensor forward(
      Tensor hidden, RotaryEmbedding.@Nullable Rotation rotation, Documents documents) {
    Sight sight = form.pattern().sight(positions(hidden, rotation), documents);
    return attend(hidden, inputs(hidden, rotation), sight);
  }

  private static Tensor positions(Tensor hidden, RotaryEmbedding.@Nullable Rotation rotation) {
    return rotation == null ? Tensors.range(hidden.size(1), hidden.device()) : rotation.positions();
  }

  /// Attention of queries to something else, all of which each of them sees.
  ///
  /// @param queries `[batch, queries, hidden]`
  /// @param memory `[batch, seq, hidden]`
  public Tensor read(Tensor queries, Tensor memory) {
    return attend(queries, projected(queries, memory), new Sight.Everything());
  }

  /// Attention that appends to a cache and looks at all it holds.
  public Tensor forward(Tensor hidden, RotaryEmbedding.Rotation rotation, KvCache.Layer cache) {
    boolean fresh = cache.length() == 0;
    AttentionInputs inputs = inputs(hidden, rotation);
    AttentionInputs all = cache.append(inputs, rotation.positions());
    Sight sight =
        fresh
            ? form.pattern().sight(rotation.positions())
            : form.pattern().sight(rotation.positions(), cache.positions());
    return attend(hidden, all, sight);
  }

  private AttentionInputs inputs(Tensor hidden, RotaryEmbedding.@Nullable Rotation rotation) {
    AttentionInputs plain = projected(hidden, hidden);
    return rotation == null
        ? plain
        : new AttentionInputs(
            rotation.apply(plain.query()), rotation.apply(plain.key()), plain.value());
  }

  private AttentionInputs projected(Tensor queries, Tensor memory) {
    return new AttentionInputs(
        heads(projections.query().forward(queries), form.heads(), queryNorm),
        heads(projections.key().forward(memory), form.kvHeads(), keyNorm),
        heads(projections.value().forward(memory), form.kvHeads(), null));
  }

  private Tensor heads(Tensor projected, int heads, @Nullable Norm norm) {
    Tensor split = projected.view(projected.size(0), projected.size(1), heads, form.headDim());
    return (norm == null ? split : norm.forward(split)).transpose(1, 2);
  }

  private Tensor attend(Tensor hidden, AttentionInputs inputs, Sight sight) {
    AttentionInputs precise = inputs.to(precise(hidden.device(), hidden.dtype()));
    Tensor attended =
        Functions.attention(precise, sight, 1 / Math.sqrt(form.headDim())).to(hidden.dtype());
    Tensor joined =
        attended
            .transpose(1, 2)
            .reshape(hidden.size(0), hidden.size(1), (long) form.heads() * form.headDim());
    return projections.output().forward(joined);
  }

  /// The type in which it attends: the CPU has no fast reduced-precision path, bfloat16 takes 23
  /// times as long there as float32.
  static DType precise(Device device, DType compute) {
    return device.equals(Device.CPU) && compute.isReduced() ? DType.F32 : compute;
  }
}
