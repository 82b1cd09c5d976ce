package dev.upcycle.sample;

import dev.upcycle.arch.Architecture;
import dev.upcycle.arch.TensorSlot;
import dev.upcycle.checkpoint.DType;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.checkpoint.TensorSpec;
import dev.upcycle.checkpoint.write.CheckpointWriter;
import dev.upcycle.checkpoint.write.ShardLayout;
import dev.upcycle.recipe.Component;
import dev.upcycle.recipe.LayerSelection;
import dev.upcycle.recipe.Recipe;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/// A dense model of a recipe's own architecture that is small enough to convert in no time.
///
/// Its weights are drawn large, so that every matrix matters to the function, and by tensor name,
/// so that no two tensors are alike and equal names give equal bytes.
public final class TinyModel {
  private static final int HIDDEN = 64;
  private static final int INTERMEDIATE = 96;
  private static final int HEADS = 4;
  private static final int KV_HEADS = 2;
  private static final int VOCAB = 128;
  private static final int FEWEST_LAYERS = 2;
  private static final double ROPE_THETA = 10_000;

  private TinyModel() {}

  /// Writes a tiny model that the recipe accepts as its source.
  ///
  /// @param out the directory to make
  public static void write(Recipe recipe, Path out) {
    Architecture family = family(recipe);
    ModelConfig config = config(family, layers(recipe));
    List<TensorSlot> slots = family.slots(config);
    ShardLayout layout =
        ShardLayout.of(
            slots.stream().map(slot -> slot.spec(DType.BF16)).toList(),
            recipe.output().maxShardBytes());
    try (CheckpointWriter writer =
        CheckpointWriter.begin(out, layout, Map.of(), CheckpointWriter.Mode.FRESH)) {
      for (int shard : writer.pending()) {
        fill(writer.shard(shard), layout.shards().get(shard));
        writer.seal(shard);
      }
      String json =
          JsonMapper.shared().writerWithDefaultPrettyPrinter().writeValueAsString(config.json());
      writer.put("config.json", json.getBytes(StandardCharsets.UTF_8));
      writer.commit();
    }
  }

  private static Architecture family(Recipe recipe) {
    return recipe.source().language().stream()
        .flatMap(name -> Architecture.find(name).stream())
        .filter(family -> !family.mixtureOfExperts())
        .findFirst()
        .orElseGet(() -> Architecture.require("llama"));
  }

  /// The fewest layers that the recipe's choice of layers can be made from.
  private static int layers(Recipe recipe) {
    int wanted =
        switch (recipe.language().map(Component::layers).orElseGet(LayerSelection.All::new)) {
          case LayerSelection.All all -> FEWEST_LAYERS;
          case LayerSelection.Every every -> every.offset() + 1;
          case LayerSelection.Last last -> last.count();
          case LayerSelection.Range range -> range.to();
          case LayerSelection.Listed listed ->
              listed.layers().stream().mapToInt(Integer::intValue).max().orElse(0) + 1;
        };
    return Math.max(FEWEST_LAYERS, wanted);
  }

  private static ModelConfig config(Architecture family, int layers) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.putArray("architectures").add(family.className());
    json.put("model_type", family.modelType());
    json.put("vocab_size", VOCAB);
    json.put("hidden_size", HIDDEN);
    json.put("intermediate_size", INTERMEDIATE);
    json.put("num_hidden_layers", layers);
    json.put("num_attention_heads", HEADS);
    json.put("num_key_value_heads", KV_HEADS);
    json.put("head_dim", HIDDEN / HEADS);
    json.put("hidden_act", "silu");
    json.put("max_position_embeddings", 128);
    json.put("rms_norm_eps", 1e-5);
    json.put("initializer_range", 0.02);
    json.put("tie_word_embeddings", false);
    json.putNull("sliding_window");
    json.put("bos_token_id", 1);
    json.put("eos_token_id", 2);
    json.put("rope_theta", ROPE_THETA);
    json.putNull("rope_scaling");
    json.putObject("rope_parameters").put("rope_theta", ROPE_THETA).put("rope_type", "default");
    json.put("torch_dtype", "bfloat16");
    json.put("dtype", "bfloat16");
    return ModelConfig.of(json);
  }

  private static void fill(Path file, ShardLayout.Shard shard) {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      for (ShardLayout.Placement placement : shard.tensors()) {
        ByteBuffer bytes = draw(placement.tensor());
        long position = placement.offset();
        while (bytes.hasRemaining()) {
          position += channel.write(bytes, position);
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(file + ": " + e.getMessage(), e);
    }
  }

  /// A matrix has entries of mean square `2 / fan-in`, a vector (a norm's scale) lies about one.
  private static ByteBuffer draw(TensorSpec tensor) {
    boolean matrix = tensor.shape().rank() > 1;
    double middle = matrix ? 0 : 1;
    double bound = matrix ? Math.sqrt(6.0 / tensor.shape().dimension(-1)) : 0.25;
    ByteBuffer bytes =
        ByteBuffer.allocate(Math.toIntExact(tensor.bytes())).order(ByteOrder.LITTLE_ENDIAN);
    SplitMix64 random = SplitMix64.of(tensor.name());
    while (bytes.hasRemaining()) {
      float value = (float) (middle + bound * random.nextSigned());
      bytes.putShort((short) (Float.floatToRawIntBits(value) >>> Short.SIZE));
    }
    return bytes.flip();
  }
}
