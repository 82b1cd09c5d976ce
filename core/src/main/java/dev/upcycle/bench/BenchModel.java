package dev.upcycle.bench;

import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.sample.SyntheticModel;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/// The shape of the synthetic dense Mistral that conversions are measured on.
///
/// @param layers decoder layers
/// @param hidden width of the residual stream
/// @param intermediate width of the feed-forward network
/// @param vocab rows of the embedding
/// @param heads attention heads, two for each head of keys and values
public record BenchModel(long layers, long hidden, long intermediate, long vocab, long heads) {
  private static final long EXPERTS = 8;
  private static final long SHARD_BYTES = 5_000_000_000L;
  private static final long BF16_BYTES = 2;

  /// The 0.85 B shape at 16 layers, an output of 9.4 GB.
  private static final BenchModel LARGE = new BenchModel(1, 2048, 5632, 32_000, 16);

  /// For outputs smaller than one layer of the large shape.
  private static final BenchModel SMALL = new BenchModel(1, 256, 704, 4000, 4);

  /// The model with just enough layers for an upcycled output of so many bytes.
  static BenchModel forOutputOf(long bytes) {
    BenchModel shape = bytes < LARGE.outputBytes() ? SMALL : LARGE;
    long missing = Math.max(0, bytes - shape.outputBytes());
    long layers = 1 + Math.ceilDiv(missing, shape.layerBytes());
    return new BenchModel(layers, shape.hidden, shape.intermediate, shape.vocab, shape.heads);
  }

  SyntheticModel model() {
    return new SyntheticModel(config(), SHARD_BYTES);
  }

  /// Without norms and routers, which do not count here.
  private long outputBytes() {
    return 2 * vocab * hidden * BF16_BYTES + layers * layerBytes();
  }

  private long layerBytes() {
    long kvHeads = heads / 2;
    long attention = (2 * heads + 2 * kvHeads) * (hidden / heads) * hidden;
    return (EXPERTS * 3 * hidden * intermediate + attention) * BF16_BYTES;
  }

  private ModelConfig config() {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.putArray("architectures").add("MistralForCausalLM");
    json.put("model_type", "mistral");
    json.put("hidden_size", hidden);
    json.put("intermediate_size", intermediate);
    json.put("num_hidden_layers", layers);
    json.put("num_attention_heads", heads);
    json.put("num_key_value_heads", heads / 2);
    json.put("vocab_size", vocab);
    json.put("hidden_act", "silu");
    json.put("max_position_embeddings", 4096);
    json.put("rms_norm_eps", 1e-5);
    json.put("rope_theta", 10_000.0);
    json.putNull("sliding_window");
    json.put("tie_word_embeddings", false);
    json.put("torch_dtype", "bfloat16");
    return ModelConfig.of(json);
  }
}
