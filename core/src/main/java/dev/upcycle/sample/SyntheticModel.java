package dev.upcycle.sample;

import dev.upcycle.arch.Composition;
import dev.upcycle.checkpoint.DType;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.checkpoint.TensorSpec;
import dev.upcycle.checkpoint.write.CheckpointWriter;
import dev.upcycle.checkpoint.write.ResourceException;
import dev.upcycle.checkpoint.write.ShardLayout;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.Set;

/// A BF16 model of any shape with drawn weights.
///
/// The weights are drawn large, so that every matrix matters to the function, and by tensor name,
/// so that no two tensors are alike and equal names give equal bytes.
///
/// @param config its `config.json`
/// @param maxShardBytes limit of the tensor bytes of one file
public record SyntheticModel(ModelConfig config, long maxShardBytes) {
  private static final int BUFFER_BYTES = 1 << 20;

  /// Writes the checkpoint.
  ///
  /// @param out the directory to make
  public void write(Path out) {
    ShardLayout layout =
        ShardLayout.of(
            Composition.written(config, Set.of())
                .slots()
                .map(slot -> slot.spec(DType.BF16))
                .toList(),
            maxShardBytes);
    try (CheckpointWriter writer =
        CheckpointWriter.begin(out, layout, Map.of(), CheckpointWriter.Mode.FRESH)) {
      for (int shard : writer.pending()) {
        fill(writer.shard(shard), layout.shards().get(shard));
        writer.seal(shard);
      }
      writer.put("config.json", config.toJson());
      writer.commit();
    }
  }

  private static void fill(Path file, ShardLayout.Shard shard) {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      ByteBuffer buffer = ByteBuffer.allocate(BUFFER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
      for (ShardLayout.Placement placement : shard.tensors()) {
        channel.position(placement.offset());
        draw(placement.tensor(), channel, buffer);
      }
    } catch (IOException e) {
      throw new ResourceException(file + ": " + e.getMessage(), e);
    }
  }

  /// A matrix has entries of mean square `2 / fan-in`, a vector (a norm's scale) lies about one.
  private static void draw(TensorSpec tensor, FileChannel channel, ByteBuffer buffer)
      throws IOException {
    boolean matrix = tensor.shape().rank() > 1;
    double middle = matrix ? 0 : 1;
    double bound = matrix ? Math.sqrt(6.0 / tensor.shape().dimension(-1)) : 0.25;
    SplitMix64 random = SplitMix64.of(tensor.name());
    for (long left = tensor.bytes(); left > 0; left -= buffer.limit()) {
      buffer.clear().limit((int) Math.min(left, BUFFER_BYTES));
      while (buffer.hasRemaining()) {
        float value = (float) (middle + bound * random.nextSigned());
        buffer.putShort((short) (Float.floatToRawIntBits(value) >>> Short.SIZE));
      }
      buffer.flip();
      while (buffer.hasRemaining()) {
        channel.write(buffer);
      }
    }
  }
}
