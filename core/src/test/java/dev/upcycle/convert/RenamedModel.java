package dev.upcycle.convert;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.TensorEntry;
import dev.upcycle.checkpoint.TensorSpec;
import dev.upcycle.checkpoint.write.CheckpointWriter;
import dev.upcycle.checkpoint.write.ShardLayout;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.UnaryOperator;

/// The same weights under other names.
final class RenamedModel {
  private RenamedModel() {}

  /// Writes it.
  ///
  /// @param names a tensor's new name; empty text leaves it out
  static void write(Path model, Path out, UnaryOperator<String> names) throws IOException {
    Checkpoint source = Checkpoint.open(model);
    Map<String, TensorEntry> entries = new LinkedHashMap<>();
    for (TensorEntry entry : source.tensors().values()) {
      String name = names.apply(entry.name());
      if (!name.isEmpty()) {
        entries.put(name, entry);
      }
    }
    ShardLayout layout =
        ShardLayout.of(
            entries.entrySet().stream()
                .map(one ->
                    new TensorSpec(one.getKey(), one.getValue().dtype(), one.getValue().shape()))
                .toList(),
            1L << 40);
    try (CheckpointWriter writer =
            CheckpointWriter.begin(out, layout, Map.of(), CheckpointWriter.Mode.FRESH);
        Arena arena = Arena.ofConfined()) {
      try (FileChannel channel = FileChannel.open(writer.shard(0), StandardOpenOption.WRITE)) {
        for (ShardLayout.Placement placement : layout.shards().getFirst().tensors()) {
          TensorEntry entry = Objects.requireNonNull(entries.get(placement.tensor().name()));
          channel.write(source.map(entry, arena).asByteBuffer(), placement.offset());
        }
      }
      writer.seal(0);
      writer.put("config.json", source.config().toJson());
      writer.commit();
    }
  }
}
