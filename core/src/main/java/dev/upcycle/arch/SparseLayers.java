package dev.upcycle.arch;

import dev.upcycle.checkpoint.ModelConfig;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import tools.jackson.databind.JsonNode;

/// Which layers of a Mixture-of-Experts have experts: those that `mlp_only_layers` does not list
/// and whose number, counted from 1, `decoder_sparse_step` divides (transformers,
/// `modeling_qwen2_moe.py`); or those that a list under the family's own key names.
///
/// @param step every how many layers
/// @param dense layers that are dense whatever the step
/// @param listed the layers, where a list names them
record SparseLayers(long step, Set<Integer> dense, Optional<Set<Integer>> listed) {
  private static final String STEP = "decoder_sparse_step";
  private static final String DENSE = "mlp_only_layers";

  /// @param listKey the family's key for a list of layers that have experts
  static SparseLayers of(ModelConfig config, Optional<String> listKey) {
    if (listKey.isPresent()) {
      boolean given = !config.json().path(listKey.get()).isNull() && config.has(listKey.get());
      return new SparseLayers(
          1, Set.of(), given ? Optional.of(layers(config, listKey.get())) : Optional.empty());
    }
    long step = config.findLong(STEP).orElse(1);
    if (step < 1) {
      throw Complaint.of(STEP, config, "a whole number from 1");
    }
    return new SparseLayers(step, layers(config, DENSE), Optional.empty());
  }

  private static Set<Integer> layers(ModelConfig config, String key) {
    Set<Integer> layers = new HashSet<>();
    JsonNode listed = config.json().path(key);
    if (!listed.isMissingNode() && !listed.isNull() && !listed.isArray()) {
      throw Complaint.of(key, config, "a list of layers");
    }
    for (JsonNode layer : listed) {
      if (!layer.isInt()) {
        throw Complaint.of(key, config, "a list of layers");
      }
      layers.add(layer.intValue());
    }
    return Set.copyOf(layers);
  }

  /// How many of this many layers have experts.
  int count(int layers) {
    return Math.toIntExact(IntStream.range(0, layers).filter(this::has).count());
  }

  boolean has(int layer) {
    return listed
        .map(layers -> layers.contains(layer))
        .orElseGet(() -> !dense.contains(layer) && (layer + 1) % step == 0);
  }

  /// Those of a layer's templates that this layer has.
  List<TensorTemplate> templates(List<TensorTemplate> templates, int layer) {
    TensorTemplate.Layers absent =
        has(layer) ? TensorTemplate.Layers.DENSE : TensorTemplate.Layers.SPARSE;
    return templates.stream().filter(template -> template.layers() != absent).toList();
  }
}
