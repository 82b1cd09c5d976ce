package dev.upcycle.plan;

import dev.upcycle.arch.Architecture;
import dev.upcycle.arch.Composition;
import dev.upcycle.arch.SingleConfig;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.plan.Consumer.Basis;
import dev.upcycle.plan.Consumer.Loads;
import dev.upcycle.recipe.Part;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// What loads a target of CuMo's own form, by its code (SHI-Labs/CuMo, `llava_arch.py`,
/// `multimodal_projector/builder.py`, `builder.py`); `check_cumo.py` runs it.
final class CumoConsumers {
  private static final String MIXTRAL = "LlavaMixtralForCausalLM";

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

  static List<Consumer> of(Composition target, ModelConfig config) {
    Architecture whole = target.whole();
    if (!whole.parts().isEmpty()) {
      return ofWhole(target, config);
    }
    boolean tower = whole.part().equals(Optional.of(Part.VISION));
    if (!tower && config.findLong("depth").orElse(2) != 2) {
      return List.of(
          new Consumer("CuMo", Loads.NO, Basis.READ, deep(config.requireLong("depth"))), ALONE);
    }
    String how =
        tower
            ? "its CLIPVisionTower takes these names by load_state_dict"
                + " (safetensors.torch.load_file), run; its --vision_tower_dir reads dense torch"
                + " archives only"
            : "its MLPMoE takes what follows mm_projector. by load_state_dict"
                + " (safetensors.torch.load_file), run; its --pretrain_mm_mlp_adapter reads dense"
                + " torch archives only";
    return List.of(
        new Consumer("CuMo", Loads.WITH_LIMITS, Basis.RUN, how),
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

  private static List<Consumer> ofWhole(Composition target, ModelConfig config) {
    List<String> objections = objections(target, config);
    String className = target.whole().className();
    // its loader chooses the class by the folder's name alone
    String named =
        className.equals(MIXTRAL)
            ? "the output folder's name must hold mistral or mixtral, and 8x"
            : "the output folder's name must hold mistral or mixtral, and not 8x";
    String how = className + " of its own code, with its transformers 4.37.2, run; " + named;
    return List.of(
        objections.isEmpty()
            ? new Consumer("CuMo", Loads.YES, Basis.RUN, how)
            : new Consumer("CuMo", Loads.NO, Basis.READ, String.join("; ", objections)),
        SingleConfig.depth(config) == 2 ? OTHERS : UNHELD);
  }

  /// What its loader needs, and what its version of transformers does not know.
  private static List<String> objections(Composition target, ModelConfig config) {
    List<String> objections = new ArrayList<>();
    long depth = SingleConfig.depth(config);
    if (config.findBoolean("mlp_smoe").orElse(false) && depth != 2) {
      objections.add(deep(depth));
    }
    if (config.findString("mm_vision_tower").isEmpty()) {
      objections.add(
          "the tower is none that OpenAI published and config.json names none, which its loader"
              + " needs: --set 'output.config={mm_vision_tower: NAME}'");
    }
    target
        .find(Part.LANGUAGE)
        .map(part -> Consumers.older(config, part.dimensions(), "transformers 4.37.2 of CuMo"))
        .ifPresent(objections::addAll);
    return List.copyOf(objections);
  }
}
