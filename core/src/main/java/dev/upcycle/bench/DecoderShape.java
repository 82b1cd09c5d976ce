package dev.upcycle.bench;

import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.sample.SyntheticModel;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/// The shape of the Mixtral that is measured; its baseline is the Mistral that multiplies as much
/// per token: its feed-forward networks are as wide as the experts that a token uses together.
///
/// @param experts sizes of the layers of experts
/// @param layers decoder layers
/// @param heads attention heads
/// @param kvHeads heads of keys and values
/// @param vocab rows of the embedding
public record DecoderShape(ExpertShape experts, int layers, int heads, int kvHeads, long vocab) {
  private static final long SHARD_BYTES = 5_000_000_000L;

  /// Sizes of a layer of experts.
  ///
  /// @param hidden width of the residual stream
  /// @param intermediate width of one expert
  /// @param count experts of a layer
  /// @param perToken experts that a token uses
  public record ExpertShape(long hidden, long intermediate, int count, int perToken) {
    /// Refuses sizes below one and tokens that use more experts than there are.
    public ExpertShape {
      if (hidden < 1 || intermediate < 1 || perToken < 1) {
        throw new IllegalArgumentException("a size below 1");
      }
      if (perToken > count) {
        throw new IllegalArgumentException(
            "a token cannot use %d of %d experts".formatted(perToken, count));
      }
    }
  }

  /// Refuses counts below one and heads that do not divide.
  public DecoderShape {
    if (layers < 1 || heads < 1 || kvHeads < 1 || vocab < 1) {
      throw new IllegalArgumentException("a count of layers, heads or vocabulary below 1");
    }
    if (experts.hidden() % (2L * heads) != 0) {
      throw new IllegalArgumentException(
          "%d heads do not divide a hidden size of %d into even widths"
              .formatted(heads, experts.hidden()));
    }
    if (heads % kvHeads != 0) {
      throw new IllegalArgumentException(
          "%d heads of keys and values do not divide %d heads".formatted(kvHeads, heads));
    }
  }

  /// The model with experts.
  SyntheticModel sparse() {
    ObjectNode json = common("mixtral", "MixtralForCausalLM", experts.intermediate());
    json.put("num_local_experts", experts.count());
    json.put("num_experts_per_tok", experts.perToken());
    return new SyntheticModel(ModelConfig.of(json), SHARD_BYTES);
  }

  /// Its baseline.
  SyntheticModel dense() {
    ObjectNode json =
        common("mistral", "MistralForCausalLM", experts.perToken() * experts.intermediate());
    return new SyntheticModel(ModelConfig.of(json), SHARD_BYTES);
  }

  private ObjectNode common(String type, String className, long intermediate) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.putArray("architectures").add(className);
    json.put("model_type", type);
    json.put("hidden_size", experts.hidden());
    json.put("intermediate_size", intermediate);
    json.put("num_hidden_layers", layers);
    json.put("num_attention_heads", heads);
    json.put("num_key_value_heads", kvHeads);
    json.put("vocab_size", vocab);
    json.put("hidden_act", "silu");
    json.put("max_position_embeddings", 1 << 20);
    json.put("rms_norm_eps", 1e-5);
    json.put("rope_theta", 10_000.0);
    json.putNull("sliding_window");
    json.put("tie_word_embeddings", false);
    json.put("torch_dtype", "bfloat16");
    return json;
  }
}
