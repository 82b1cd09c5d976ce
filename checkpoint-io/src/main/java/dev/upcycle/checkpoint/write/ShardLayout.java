package dev.upcycle.checkpoint.write;

import dev.upcycle.checkpoint.TensorSpec;
import java.util.List;

/// How tensors fall into files: pure, computed before a byte is written.
///
/// The split is that of transformers (`huggingface_hub`, `serialization/_base.py`): walk in order,
/// start a new shard when the next tensor would pass the limit, a tensor larger than the limit gets
/// a shard of its own. Within a shard the order is the canonical one of the safetensors crate.
///
/// @param shards the files, in order
public record ShardLayout(List<Shard> shards) {
  /// Lays the tensors out.
  ///
  /// @param tensors in the order in which they should fall into shards
  /// @param maxShardBytes limit of the tensor bytes of one shard
  public static ShardLayout of(List<TensorSpec> tensors, long maxShardBytes) {
    throw new UnsupportedOperationException();
  }

  /// One file.
  ///
  /// @param fileName `model.safetensors`, or `model-00001-of-00003.safetensors`
  /// @param tensors in data order
  public record Shard(String fileName, List<Placement> tensors) {
    /// The bytes before the data, length field included.
    public byte[] header() {
      throw new UnsupportedOperationException();
    }

    /// Size of the finished file.
    public long bytes() {
      throw new UnsupportedOperationException();
    }
  }

  /// Where a tensor lies in its file.
  ///
  /// @param tensor name, dtype, shape
  /// @param offset from the start of the file
  public record Placement(TensorSpec tensor, long offset) {}
}
