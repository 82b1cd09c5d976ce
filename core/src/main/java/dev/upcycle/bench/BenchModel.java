package dev.upcycle.bench;

import dev.upcycle.bench.DecoderShape.ExpertShape;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.sample.SyntheticModel;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/// A synthetic dense model in bf16 that conversions are measured on.
public sealed interface BenchModel {
  /// The shipped recipe that converts it.
  String recipe();

  /// The model.
  SyntheticModel model();

  /// How many layers it has.
  long layers();

  /// Width of the residual stream.
  long hidden();

  /// Width of the feed-forward networks.
  long intermediate();

  /// A Mistral, to be converted to 8 experts.
  ///
  /// @param layers decoder layers
  /// @param hidden width of the residual stream
  /// @param intermediate width of the feed-forward network
  /// @param vocab rows of the embedding
  /// @param heads attention heads, two for each head of keys and values
  record Decoder(long layers, long hidden, long intermediate, long vocab, long heads)
      implements BenchModel {
    private static final long EXPERTS = 8;
    private static final long SHARD_BYTES = 5_000_000_000L;
    private static final long BF16_BYTES = 2;

    /// The 0.85 B shape at 16 layers, an output of 9.4 GB.
    private static final Decoder LARGE = new Decoder(1, 2048, 5632, 32_000, 16);

    /// For outputs smaller than one layer of the large shape.
    private static final Decoder SMALL = new Decoder(1, 256, 704, 4000, 4);

    /// The model with just enough layers for an upcycled output of so many bytes.
    public static Decoder forOutputOf(long bytes) {
      if (bytes < 1) {
        throw new IllegalArgumentException("a size below 1 byte");
      }
      Decoder shape = bytes < LARGE.outputBytes() ? SMALL : LARGE;
      long missing = Math.max(0, bytes - shape.outputBytes());
      long layers = 1 + Math.ceilDiv(missing, shape.layerBytes());
      return new Decoder(layers, shape.hidden, shape.intermediate, shape.vocab, shape.heads);
    }

    @Override
    public String recipe() {
      return "mistral-8x2";
    }

    @Override
    public SyntheticModel model() {
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

  /// A CLIP image tower, to be converted to 4 experts.
  record Tower(TowerShape shape) implements BenchModel {
    private static final int EXPERTS = 4;

    /// ViT-L/14 at 336 pixels: 0.3 B parameters.
    public static Tower large() {
      return of(1024, 4096, 24);
    }

    static Tower of(long hidden, long intermediate, int layers) {
      return new Tower(
          new TowerShape(new ExpertShape(hidden, intermediate, EXPERTS, 2), layers, 16, 336, 14));
    }

    @Override
    public String recipe() {
      return "clip-vit-4x2";
    }

    @Override
    public SyntheticModel model() {
      return shape.source();
    }

    @Override
    public long layers() {
      return shape.layers();
    }

    @Override
    public long hidden() {
      return shape.experts().hidden();
    }

    @Override
    public long intermediate() {
      return shape.experts().intermediate();
    }
  }
}
