package dev.upcycle.sample;

import dev.upcycle.arch.Architecture;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.recipe.Component;
import dev.upcycle.recipe.LayerSelection;
import dev.upcycle.recipe.Recipe;
import java.nio.file.Path;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/// A dense model of a recipe's own architecture that is small enough to convert in no time.
///
/// Its weights are those of a [SyntheticModel].
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
    new SyntheticModel(family, config, recipe.output().maxShardBytes()).write(out);
  }

  private static Architecture family(Recipe recipe) {
    return recipe.source().language().stream()
        .flatMap(name -> Architecture.find(name).stream())
        .filter(family -> !family.upcyclesTo().isEmpty())
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
}
