package dev.upcycle.model;

import java.util.List;

/// Makes equal experts of a tiny model's networks, apart from the conversion's own code.
public final class Mixtures {
  private static final int EXPERTS = 4;

  private Mixtures() {}

  /// Copies the networks of a tower's layers to experts behind routers that a seed draws.
  ///
  /// @param start of the tower's names
  public static EditedModel tower(EditedModel dense, String start, long seed) {
    for (String name : dense.names()) {
      boolean vit = name.contains("encoder.layer.");
      String part = part(name.substring(name.startsWith(start) ? start.length() : 0), vit);
      if (name.startsWith(start) && !part.isEmpty()) {
        String layer = name.substring(0, name.indexOf(vit ? part : "mlp." + part));
        String expert = part.replace("intermediate.dense", "fc1").replace("output.dense", "fc2");
        for (int e = 0; e < EXPERTS; e++) {
          dense.copied(name, layer + "mlp.experts." + e + "." + expert);
        }
        if (expert.equals("fc1.weight")) {
          dense.drawn(
              layer + "mlp.gate.weight",
              seed + layer.hashCode(),
              EXPERTS,
              dense.shape(name).get(1));
        }
        dense.without(name);
      }
    }
    return dense;
  }

  private static String part(String name, boolean vit) {
    if (!name.contains("encoder.layer") || (vit && name.contains("attention"))) {
      return "";
    }
    String first = vit ? "intermediate.dense." : "fc1.";
    String second = vit ? "output.dense." : "fc2.";
    int at = Math.max(name.indexOf(first), name.indexOf(second));
    return at < 0 ? "" : name.substring(at);
  }

  /// Copies the connector of a LLaVA to experts behind a router that a seed draws.
  public static EditedModel connector(EditedModel dense, long seed) {
    String start = "multi_modal_projector.";
    long width = dense.shape(start + "linear_1.weight").get(1);
    for (String part :
        List.of("linear_1.weight", "linear_1.bias", "linear_2.weight", "linear_2.bias")) {
      for (int e = 0; e < EXPERTS; e++) {
        dense.copied(start + part, start + "experts." + e + "." + part);
      }
      dense.without(start + part);
    }
    return dense
        .drawn(start + "gate.weight", seed, EXPERTS, width)
        .config("model_type", "\"llava_moe\"")
        .config("projector_num_experts", "4")
        .config("projector_num_experts_per_tok", "2");
  }

  /// Makes the first expert of everything that has experts the dense network.
  public static EditedModel undone(EditedModel mixture) {
    for (String name : mixture.names()) {
      if (name.contains(".experts.0.")) {
        mixture.renamed(name, name.replace(".experts.0.", "."));
      } else if (name.contains(".experts.") || name.endsWith(".gate.weight")) {
        mixture.without(name);
      }
    }
    return mixture;
  }
}
