package dev.upcycle.sample;

import dev.upcycle.arch.Architecture;
import dev.upcycle.arch.PartRule;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.recipe.Component;
import dev.upcycle.recipe.LayerSelection;
import dev.upcycle.recipe.Part;
import dev.upcycle.recipe.Recipe;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import tools.jackson.databind.node.ArrayNode;
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
  private static final int MOST_LAYERS = 256;
  private static final double ROPE_THETA = 10_000;

  private TinyModel() {}

  /// Writes a tiny model that the recipe accepts as its source.
  ///
  /// @param out the directory to make
  public static void write(Recipe recipe, Path out) {
    ObjectNode json = config(family(recipe), recipe);
    json.put("torch_dtype", "bfloat16");
    json.put("dtype", "bfloat16");
    new SyntheticModel(ModelConfig.of(json), recipe.output().maxShardBytes()).write(out);
  }

  /// The family that the recipe names; a composition where it speaks of several parts.
  private static Architecture family(Recipe recipe) {
    Set<Part> parts = parts(recipe);
    Part first = parts.stream().min(Comparator.naturalOrder()).orElse(Part.LANGUAGE);
    Optional<Architecture> composed =
        dense().stream()
            .filter(family -> parts.size() > 1)
            .filter(family -> partsOf(family).containsAll(parts))
            .filter(family -> family.parts().stream().allMatch(rule -> accepts(recipe, rule)))
            .findFirst();
    return composed
        .or(() ->
            dense().stream()
                .filter(family -> family.part().equals(Optional.of(first)))
                .filter(family -> names(recipe, first, family))
                .findFirst())
        .orElseGet(() -> Architecture.require("llama"));
  }

  /// The parts that become experts, and those that the recipe says must be there.
  private static Set<Part> parts(Recipe recipe) {
    Set<Part> parts = EnumSet.noneOf(Part.class);
    parts.addAll(recipe.components().keySet());
    for (Part part : Part.values()) {
      if (!recipe.source().accepts(part, "")) {
        parts.add(part);
      }
    }
    return parts;
  }

  private static List<Part> partsOf(Architecture family) {
    return family.parts().stream().map(PartRule::part).toList();
  }

  private static boolean accepts(Recipe recipe, PartRule rule) {
    return rule.families().stream()
        .map(Architecture::require)
        .anyMatch(family ->
            recipe.source().accepts(rule.part(), family.modelType())
                || recipe.source().accepts(rule.part(), family.shortName()));
  }

  private static List<Architecture> dense() {
    return Architecture.known().stream()
        .map(Architecture::require)
        .filter(family -> !family.upcyclesTo().isEmpty())
        .toList();
  }

  private static boolean names(Recipe recipe, Part part, Architecture family) {
    return recipe.source().of(part).contains(family.modelType())
        || recipe.source().of(part).contains(family.shortName());
  }

  /// The fewest layers that the recipe's choices of layers can be made from.
  private static int layers(Recipe recipe) {
    int wanted =
        recipe.components().values().stream()
            .map(Component::layers)
            .mapToInt(TinyModel::layers)
            .max()
            .orElse(FEWEST_LAYERS);
    if (wanted > MOST_LAYERS) {
      throw new SmokeFailure(
          "the recipe chooses from "
              + wanted
              + " layers, a tiny model has "
              + MOST_LAYERS
              + " at most");
    }
    return Math.max(FEWEST_LAYERS, wanted);
  }

  private static int layers(LayerSelection selection) {
    return switch (selection) {
      case LayerSelection.All all -> FEWEST_LAYERS;
      case LayerSelection.Every every -> every.offset() + 1;
      case LayerSelection.Last last -> last.count();
      case LayerSelection.ExceptLast except -> except.count() + 1;
      case LayerSelection.Range range -> range.to();
      case LayerSelection.Listed listed ->
          listed.layers().stream().mapToInt(Integer::intValue).max().orElse(0) + 1;
    };
  }

  private static ObjectNode config(Architecture family, Recipe recipe) {
    int layers = layers(recipe);
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.putArray("architectures").add(family.className());
    json.put("model_type", family.modelType());
    for (PartRule rule : family.parts()) {
      if (rule.part() == Part.CONNECTOR) {
        composition(json, recipe);
      } else {
        json.set(rule.config(), config(family(rule, recipe), recipe));
      }
    }
    if (family.decodes()) {
      sizes(json, layers);
      decoder(json);
    } else if (family.part().equals(Optional.of(Part.CONNECTOR))) {
      json.put("input_size", HIDDEN).put("hidden_size", HIDDEN);
    } else if (family.part().isPresent()) {
      sizes(json, layers);
      json.put("max_position_embeddings", 16).put("image_size", 28).put("patch_size", 7);
    }
    return json;
  }

  /// The family that the recipe accepts at a place of a composition.
  private static Architecture family(PartRule rule, Recipe recipe) {
    return rule.families().stream()
        .map(Architecture::require)
        .filter(family -> names(recipe, rule.part(), family))
        .findFirst()
        .orElseGet(() -> Architecture.require(rule.families().getFirst()));
  }

  private static void composition(ObjectNode json, Recipe recipe) {
    json.put("image_token_index", VOCAB - 1);
    ArrayNode scales = json.putArray("scales");
    recipe
        .component(Part.VISION)
        .map(Component::scales)
        .orElse(Component.ONE_SCALE)
        .forEach(scales::add);
  }

  private static void sizes(ObjectNode json, int layers) {
    json.put("vocab_size", VOCAB);
    json.put("hidden_size", HIDDEN);
    json.put("intermediate_size", INTERMEDIATE);
    json.put("num_hidden_layers", layers);
    json.put("num_attention_heads", HEADS);
  }

  private static void decoder(ObjectNode json) {
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
  }
}
