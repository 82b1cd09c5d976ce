package dev.upcycle.plan;

import dev.upcycle.arch.Architecture;
import dev.upcycle.arch.Composition;
import dev.upcycle.arch.SingleConfig;
import dev.upcycle.arch.TowerState;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.recipe.Component;
import dev.upcycle.recipe.Experts;
import dev.upcycle.recipe.Part;
import dev.upcycle.recipe.Recipe;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.BiConsumer;

/// What CuMo's own form cannot say.
///
/// @param dense the source's parts
/// @param recipe what is asked for
/// @param complain hears a key path and what is wrong there
record SingleFormCheck(Composition dense, Recipe recipe, BiConsumer<String, String> complain) {
  void examine(Architecture whole) {
    if (!whole.ownKeys().isEmpty()) {
      counts();
    }
    objections(dense, whole).forEach(one -> complain.accept("target", one));
  }

  /// Its config has one pair of counts, for the image tower and the connector.
  private void counts() {
    Optional<Experts> vision = recipe.component(Part.VISION).map(Component::experts);
    Optional<Experts> connector = recipe.component(Part.CONNECTOR).map(Component::experts);
    if (vision.isEmpty() || connector.isEmpty()) {
      return;
    }
    Experts tower = vision.get();
    Experts between = connector.get();
    if (tower.count() != between.count() || tower.perToken() != between.perToken()) {
      complain.accept(
          "connector.experts",
          String.format(
              Locale.ROOT,
              "%d experts, %d per token, but vision has %d, %d per token, and CuMo has one num_experts"
                  + " and one num_selected for both; --set connector.experts.count=%d --set"
                  + " connector.experts.per_token=%d, or target=llava_moe",
              between.count(),
              between.perToken(),
              tower.count(),
              tower.perToken(),
              tower.count(),
              tower.perToken()));
    }
  }

  /// What of a model no config of CuMo's can say; nothing for another form.
  ///
  /// Its code reads the states before the last layer, without the class token, whatever a config
  /// says.
  static List<String> objections(Composition dense, Architecture whole) {
    List<String> objections = new ArrayList<>();
    if (CumoConsumers.apply(whole) && biasless(dense)) {
      objections.add(
          "the connector's linear layers have no biases, CuMo's always do; choose target="
              + (whole.ownKeys().isEmpty() ? "auto" : "llava_moe"));
    }
    if (whole.ownKeys().isEmpty()) {
      return List.copyOf(objections);
    }
    ModelConfig config = SingleConfig.spelled(dense.whole(), dense.parts().getFirst().config());
    long state = TowerState.value(dense.whole(), config);
    if (state != -2) {
      objections.add(
          "the model reads vision_feature_layer %d, CuMo's code always -2; choose target=llava_moe"
              .formatted(state));
    }
    String strategy = config.findString("vision_feature_select_strategy").orElse("default");
    if (!strategy.equals("default")) {
      objections.add(
          "the model's vision_feature_select_strategy is %s, CuMo's code drops the class token;"
                  .formatted(strategy)
              + " choose target=llava_moe");
    }
    String activation = config.findString("projector_hidden_act").orElse("gelu");
    if (!activation.equals("gelu")) {
      objections.add(
          "the connector's activation is %s, CuMo's always gelu; choose target=llava_moe"
              .formatted(activation));
    }
    return List.copyOf(objections);
  }

  private static boolean biasless(Composition dense) {
    return dense
        .find(Part.CONNECTOR)
        .map(part -> part.family().complete(part.config()))
        .flatMap(config -> config.findBoolean("bias"))
        .filter(biased -> !biased)
        .isPresent();
  }
}
