package dev.upcycle.train;

import dev.upcycle.arch.Architecture;
import dev.upcycle.arch.Composition;
import dev.upcycle.arch.Modeling;
import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.DType;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.checkpoint.TensorEntry;
import dev.upcycle.checkpoint.TensorSpec;
import dev.upcycle.checkpoint.write.CheckpointWriter;
import dev.upcycle.checkpoint.write.ResourceException;
import dev.upcycle.checkpoint.write.ShardLayout;
import dev.upcycle.convert.Manifest;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.recipe.Stage;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.Set;

/// Writes the model of a stage in the layout that a conversion writes.
///
/// What trains is stored in the stage's type, a frozen tensor as the bytes that it was read from.
///
/// @param base what the stage began with
/// @param trained names of the tensors that train, and of heads that are tied to one
/// @param tied the embedding of each tied head that the files hold
/// @param dtype of what trains
/// @param maxShardBytes limit of the tensor bytes of one file
record ModelFiles(
    StageBase base,
    Set<String> trained,
    Map<String, String> tied,
    DType dtype,
    long maxShardBytes) {
  private static final String CONFIG = "config.json";
  private static final String RECIPE = "recipe.yaml";
  private static final long SLICE_BYTES = 1 << 24;

  /// What the files of a stage's models hold.
  ///
  /// @param weights names of those that train
  static ModelFiles of(StageBase base, Set<String> weights, DType dtype, long maxShardBytes) {
    Checkpoint model = base.model();
    Map<String, String> tied =
        TiedHeads.of(
            Composition.read(model.config(), model.tensors().keySet()), model.tensors().keySet());
    Set<String> trained = new HashSet<>(weights);
    tied.forEach((head, embedding) -> {
      if (weights.contains(embedding)) {
        trained.add(head);
      }
    });
    return new ModelFiles(base, Set.copyOf(trained), tied, dtype, maxShardBytes);
  }

  /// What weights are stored in that train in a precision.
  static DType type(Stage.Precision precision) {
    return switch (precision) {
      case F32 -> DType.F32;
      case BF16 -> DType.BF16;
    };
  }

  /// Writes a directory.
  ///
  /// @param weights what trains, in the stage's type or float32, by name
  void write(Path out, Map<String, Tensor> weights) {
    List<TensorSpec> specs = base.model().tensors().values().stream().map(this::spec).toList();
    ShardLayout layout = ShardLayout.of(specs, maxShardBytes);
    try (CheckpointWriter writer =
        CheckpointWriter.begin(out, layout, Map.of(), CheckpointWriter.Mode.FRESH)) {
      for (int index : writer.pending()) {
        fill(writer.shard(index), layout.shards().get(index), weights);
        writer.seal(index);
      }
      small(layout).forEach(writer::put);
      writer.commit();
    } catch (IOException e) {
      throw new ResourceException("cannot write " + out + ": " + e, e);
    }
  }

  /// What lies beside the weights, the config last.
  private SequencedMap<String, byte[]> small(ShardLayout layout) throws IOException {
    Checkpoint model = base.model();
    SequencedMap<String, byte[]> files = new LinkedHashMap<>();
    for (Path companion : model.companions()) {
      files.put(companion.getFileName().toString(), Files.readAllBytes(companion));
    }
    Architecture.require(model.config().modelType())
        .modeling()
        .map(Modeling::files)
        .orElse(List.of())
        .forEach(name -> files.put(name, Modeling.read(name)));
    if (base.lineage().isPresent()) {
      files.put(RECIPE, Files.readAllBytes(model.directory().resolve(RECIPE)));
      Set<String> all = new HashSet<>(files.keySet());
      all.addAll(List.of(Manifest.FILE_NAME, CONFIG));
      layout.shards().forEach(shard -> all.add(shard.fileName()));
      layout.index().ifPresent(_ -> all.add(ShardLayout.INDEX_FILE_NAME));
      files.put(Manifest.FILE_NAME, base.lineage().get().trained(trained, all).toJson());
    }
    ModelConfig config = model.config();
    files.put(CONFIG, (trained.isEmpty() ? config : config.withDType(dtype)).toJson());
    return files;
  }

  /// The same type as the kernels name it.
  private dev.upcycle.kernels.tensor.DType stored() {
    return dev.upcycle.kernels.tensor.DType.valueOf(dtype.name());
  }

  private TensorSpec spec(TensorEntry entry) {
    return trained.contains(entry.name())
        ? new TensorSpec(entry.name(), dtype, entry.shape())
        : entry.spec();
  }

  private void fill(Path file, ShardLayout.Shard shard, Map<String, Tensor> weights)
      throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      for (ShardLayout.Placement placement : shard.tensors()) {
        channel.position(placement.offset());
        String name = placement.tensor().name();
        Tensor weight = weights.get(tied.getOrDefault(name, name));
        if (weight != null && trained.contains(name)) {
          TensorBytes.write(channel, weight, stored());
        } else {
          copy(channel, base.model().require(name));
        }
      }
    }
  }

  private void copy(FileChannel channel, TensorEntry entry) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      var bytes = base.model().map(entry, arena);
      for (long at = 0; at < bytes.byteSize(); at += SLICE_BYTES) {
        long length = Math.min(SLICE_BYTES, bytes.byteSize() - at);
        TensorBytes.write(channel, bytes.asSlice(at, length).asByteBuffer());
      }
    }
  }
}
