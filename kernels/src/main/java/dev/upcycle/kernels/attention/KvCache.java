package dev.upcycle.kernels.attention;

import dev.upcycle.kernels.KernelException;
import dev.upcycle.kernels.tensor.AttentionInputs;
import dev.upcycle.kernels.tensor.Gradients;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.TensorScope;
import dev.upcycle.kernels.tensor.Tensors;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Keys and values of the tokens seen so far, per layer.
///
/// Every layer counts its own length and knows its own positions, since a layer may see fewer
/// tokens than another. The cache owns its memory until it is closed; what [Layer#append] returns
/// are views of it that hold until the next append.
public final class KvCache implements AutoCloseable {
  private static final long FIRST_CAPACITY = 64;

  private final List<Layer> layers;

  /// An empty cache.
  public KvCache(int layers) {
    this.layers = Stream.generate(Layer::new).limit(layers).toList();
  }

  /// One layer's part.
  public Layer layer(int index) {
    return layers.get(index);
  }

  @Override
  public void close() {
    layers.forEach(layer -> layer.memory.close());
  }

  /// What one layer has seen.
  public static final class Layer {
    private TensorScope memory = TensorScope.detached();
    private @Nullable Buffers buffers;
    private long length;

    private Layer() {}

    private record Buffers(Tensor key, Tensor value, Tensor positions) {
      long capacity() {
        return positions.size(0);
      }
    }

    /// How many tokens it has seen.
    public long length() {
      return length;
    }

    /// Their positions in the sequence, `[length]`.
    public Tensor positions() {
      if (buffers == null) {
        throw new KernelException("this layer's cache is empty");
      }
      return buffers.positions().narrow(0, 0, length);
    }

    /// Adds tokens and gives their queries with the keys and values of all tokens so far.
    ///
    /// @param added keys and values `[batch, kvHeads, tokens, headDim]`
    /// @param positions of the tokens, `[tokens]`
    public AttentionInputs append(AttentionInputs added, Tensor positions) {
      try (Gradients.Pause _ = Gradients.pause()) {
        long tokens = positions.size(0);
        Buffers grown = ensure(added, positions, length + tokens);
        grown.key().narrow(2, length, tokens).copyInPlace(added.key());
        grown.value().narrow(2, length, tokens).copyInPlace(added.value());
        grown.positions().narrow(0, length, tokens).copyInPlace(positions);
        length += tokens;
        return new AttentionInputs(
            added.query(), grown.key().narrow(2, 0, length), grown.value().narrow(2, 0, length));
      }
    }

    private Buffers ensure(AttentionInputs added, Tensor positions, long tokens) {
      Buffers old = buffers;
      if (old != null && tokens <= old.capacity()) {
        return old;
      }
      long capacity = Math.max(tokens, old == null ? FIRST_CAPACITY : 2 * old.capacity());
      TensorScope next = TensorScope.detached();
      Buffers grown =
          new Buffers(
              next.hold(sized(added.key(), capacity)),
              next.hold(sized(added.value(), capacity)),
              next.hold(Tensors.emptyLike(positions, capacity)));
      if (old != null) {
        grown.key().narrow(2, 0, length).copyInPlace(old.key().narrow(2, 0, length));
        grown.value().narrow(2, 0, length).copyInPlace(old.value().narrow(2, 0, length));
        grown.positions().narrow(0, 0, length).copyInPlace(old.positions().narrow(0, 0, length));
      }
      memory.close();
      memory = next;
      buffers = grown;
      return grown;
    }

    private static Tensor sized(Tensor like, long capacity) {
      return Tensors.emptyLike(like, like.size(0), like.size(1), capacity, like.size(3));
    }
  }
}
