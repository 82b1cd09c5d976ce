package dev.upcycle.bench;

import dev.upcycle.arch.Architecture;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.sample.SyntheticModel;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/// The synthetic dense Mistral that conversions are measured on: the 0.85 B shape at 16 layers.
final class BenchModel {
  private static final long HIDDEN = 2048;
  private static final long INTERMEDIATE = 5632;
  private static final long VOCAB = 32_000;
  private static final long HEADS = 16;
  private static final long KV_HEADS = 8;
  private static final long EXPERTS = 8;
  private static final long SHARD_BYTES = 5_000_000_000L;
  private static final long BF16_BYTES = 2;

  private BenchModel() {}

  /// The model with just enough layers for an upcycled output of so many bytes.
  static SyntheticModel forOutputOf(long bytes) {
    long embeddings = 2 * VOCAB * HIDDEN * BF16_BYTES;
    long attention = (2 * HEADS + 2 * KV_HEADS) * (HIDDEN / HEADS) * HIDDEN * BF16_BYTES;
    long layer = EXPERTS * 3 * HIDDEN * INTERMEDIATE * BF16_BYTES + attention;
    long layers = Math.max(1, Math.ceilDiv(bytes - embeddings, layer));
    return new SyntheticModel(Architecture.require("mistral"), config(layers), SHARD_BYTES);
  }

  private static ModelConfig config(long layers) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.putArray("architectures").add("MistralForCausalLM");
    json.put("model_type", "mistral");
    json.put("hidden_size", HIDDEN);
    json.put("intermediate_size", INTERMEDIATE);
    json.put("num_hidden_layers", layers);
    json.put("num_attention_heads", HEADS);
    json.put("num_key_value_heads", KV_HEADS);
    json.put("vocab_size", VOCAB);
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
