package dev.upcycle.arch;

import dev.upcycle.checkpoint.ModelConfig;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import tools.jackson.databind.JsonNode;

/// Which layers of a Mixture-of-Experts have experts: those that `mlp_only_layers` does not list
/// and whose number, counted from 1, `decoder_sparse_step` divides (transformers,
/// `modeling_qwen2_moe.py`).
///
/// @param step every how many layers
/// @param dense layers that are dense whatever the step
record SparseLayers(long step, Set<Integer> dense) {
  private static final String STEP = "decoder_sparse_step";
  private static final String DENSE = "mlp_only_layers";

  static SparseLayers of(ModelConfig config) {
    long step = config.findLong(STEP).orElse(1);
    if (step < 1) {
      throw Complaint.of(STEP, config, "a whole number from 1");
    }
    Set<Integer> dense = new HashSet<>();
    JsonNode listed = config.json().path(DENSE);
    if (!listed.isMissingNode() && !listed.isNull() && !listed.isArray()) {
      throw Complaint.of(DENSE, config, "a list of layers");
    }
    for (JsonNode layer : listed) {
      if (!layer.isInt()) {
        throw Complaint.of(DENSE, config, "a list of layers");
      }
      dense.add(layer.intValue());
    }
    return new SparseLayers(step, Set.copyOf(dense));
  }

  /// How many of this many layers have experts.
  int count(int layers) {
    return Math.toIntExact(IntStream.range(0, layers).filter(this::has).count());
  }

  private boolean has(int layer) {
    return !dense.contains(layer) && (layer + 1) % step == 0;
  }

  /// Those of a layer's templates that this layer has.
  List<TensorTemplate> templates(List<TensorTemplate> templates, int layer) {
    TensorTemplate.Layers absent =
        has(layer) ? TensorTemplate.Layers.DENSE : TensorTemplate.Layers.SPARSE;
    return templates.stream().filter(template -> template.layers() != absent).toList();
  }
}
