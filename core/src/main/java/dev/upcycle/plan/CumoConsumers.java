package dev.upcycle.plan;

import dev.upcycle.arch.Architecture;
import dev.upcycle.arch.SingleConfig;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.plan.Consumer.Basis;
import dev.upcycle.plan.Consumer.Loads;
import dev.upcycle.recipe.Part;
import java.util.List;
import java.util.Optional;

/// What loads a target of CuMo's own form, by its code (SHI-Labs/CuMo, `llava_arch.py`,
/// `multimodal_projector/builder.py`).
final class CumoConsumers {
  private static final Consumer ALONE =
      new Consumer(
          "transformers",
          Loads.NO,
          Basis.READ,
          "has no class for a connector alone; it stands in a composition");

  private static final Consumer OTHERS =
      new Consumer(
          "transformers",
          Loads.NO,
          Basis.READ,
          "has no class for it without CuMo's code; target llava_moe brings a modelling file");

  private static final Consumer UNHELD =
      new Consumer(
          "transformers",
          Loads.NO,
          Basis.READ,
          "has no class for it without CuMo's code, and none for a connector of other than 2 linear"
              + " layers");

  private CumoConsumers() {}

  /// Whether it is of that form.
  static boolean apply(Architecture whole) {
    return whole.targetName().equals("cumo");
  }

  static List<Consumer> of(Architecture whole, ModelConfig config) {
    if (!whole.parts().isEmpty()) {
      return ofWhole(whole, config);
    }
    boolean tower = whole.part().equals(Optional.of(Part.VISION));
    if (!tower && config.findLong("depth").orElse(2) != 2) {
      return List.of(
          new Consumer("CuMo", Loads.NO, Basis.READ, deep(config.requireLong("depth"))), ALONE);
    }
    String how =
        tower
            ? "its CLIPVisionTower takes these names by load_state_dict"
                + " (safetensors.torch.load_file); its --vision_tower_dir reads dense torch archives"
                + " only"
            : "its MLPMoE takes what follows mm_projector. by load_state_dict"
                + " (safetensors.torch.load_file); its --pretrain_mm_mlp_adapter reads dense torch"
                + " archives only";
    return List.of(
        new Consumer("CuMo", Loads.WITH_LIMITS, Basis.READ, how),
        tower
            ? new Consumer(
                "transformers",
                Loads.NO,
                Basis.READ,
                "has no class for it; target auto brings a modelling file")
            : ALONE);
  }

  private static String deep(long depth) {
    return "its MLPMoE has 2 linear layers, this connector %d: eval, generate and train run it here"
        .formatted(depth);
  }

  private static List<Consumer> ofWhole(Architecture whole, ModelConfig config) {
    boolean named = config.findString("mm_vision_tower").isPresent();
    String path = "; the output's path must say mistral or mixtral";
    long depth = SingleConfig.depth(config);
    if (config.findBoolean("mlp_smoe").orElse(false) && depth != 2) {
      return List.of(new Consumer("CuMo", Loads.NO, Basis.READ, deep(depth)), UNHELD);
    }
    return List.of(
        new Consumer(
            "CuMo",
            named ? Loads.YES : Loads.NO,
            Basis.READ,
            named
                ? whole.className() + " of its own code" + path
                : "the tower is none that OpenAI published and config.json names none, which its loader"
                    + " needs: --set 'output.config={mm_vision_tower: NAME}'"
                    + path),
        depth == 2 ? OTHERS : UNHELD);
  }
}
