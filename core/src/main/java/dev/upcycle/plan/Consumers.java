package dev.upcycle.plan;

import dev.upcycle.arch.Architecture;
import dev.upcycle.arch.Composition;
import dev.upcycle.arch.ConnectorConfig;
import dev.upcycle.arch.Dimensions;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.dialect.ClipMoe;
import dev.upcycle.plan.Consumer.Basis;
import dev.upcycle.plan.Consumer.Loads;
import dev.upcycle.recipe.Part;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/// What loads a target of a given config.
final class Consumers {
  private static final String READ = "by its naming rules, read, not run";
  private static final String OWN_HEAD =
      "the embedding stays tied and it needs an lm_head.weight of its own";

  private final ModelConfig config;
  private final Dimensions dimensions;

  private Consumers(ModelConfig config, Dimensions dimensions) {
    this.config = config;
    this.dimensions = dimensions;
  }

  /// What loads a target.
  static List<Consumer> of(Composition target, ModelConfig config) {
    if (ClipMoe.is(target.whole().modelType())) {
      return ClipMoeConsumers.of(target);
    }
    if (target.whole().decodes()) {
      return ofDecoder(config, target.parts().getFirst().dimensions());
    }
    int scales =
        target.whole().rule(Part.CONNECTOR).isPresent() ? ConnectorConfig.scales(config).size() : 1;
    if (scales > 1 && !target.whole().severalScales()) {
      return List.of(
          new Consumer(
              "transformers",
              Loads.NO,
              Basis.READ,
              "%s builds a connector for one scale, and this one reads %d; target cumo has a class for"
                      .formatted(target.whole().className(), scales)
                  + " several"));
    }
    if (CumoConsumers.apply(target.whole())) {
      return CumoConsumers.of(target, config);
    }
    return target.whole().modeling().isEmpty() && !target.whole().parts().isEmpty()
        ? ofComposition(target.whole())
        : ofOwnModelling(target.whole());
  }

  private static List<Consumer> ofComposition(Architecture whole) {
    return List.of(
        new Consumer(
            "transformers",
            Loads.YES,
            Basis.READ,
            whole.className() + ", the mixture inside; no code of the checkpoint's"),
        new Consumer(
            "llama.cpp",
            Loads.NO,
            Basis.READ,
            "its converter takes the language model and the tower apart"));
  }

  private static List<Consumer> ofOwnModelling(Architecture whole) {
    if (whole.modeling().isEmpty()) {
      return List.of(
          new Consumer(
              "transformers",
              Loads.NO,
              Basis.READ,
              "has no class for a connector alone; it stands in a composition"));
    }
    String file = whole.modeling().get().file();
    return List.of(
        new Consumer(
            "transformers",
            Loads.YES,
            Basis.READ,
            whole.className() + " of " + file + ", with trust_remote_code=True"),
        new Consumer(
            "vLLM, SGLang, llama.cpp",
            Loads.NO,
            Basis.READ,
            "run no modelling file of a checkpoint"));
  }

  private static List<Consumer> ofDecoder(ModelConfig config, Dimensions dimensions) {
    Consumers consumers = new Consumers(config, dimensions);
    return List.of(
        new Consumer("transformers 4.57", Loads.YES, Basis.RUN, "MixtralForCausalLM, run"),
        new Consumer("transformers 5", Loads.YES, Basis.RUN, "MixtralForCausalLM, run"),
        consumers.llamaCpp(),
        consumers.vllm(),
        consumers.sglang(),
        consumers.mlx(),
        new Consumer(
            "mistral-inference",
            Loads.NO,
            Basis.READ,
            "reads consolidated.safetensors and params.json, which are not written here"));
  }

  private Consumer llamaCpp() {
    return judge(
        "llama.cpp",
        Basis.RUN,
        "its converter, as a llama with experts, run",
        config.findLong("sliding_window").isPresent()
            ? List.of(
                String.format(
                    Locale.ROOT,
                    "the window of %d is ignored: longer texts differ",
                    config.findLong("sliding_window").getAsLong()))
            : List.of());
  }

  private Consumer vllm() {
    return judge("vLLM", Basis.READ, READ, older("an older version"));
  }

  private Consumer sglang() {
    return tied()
        ? new Consumer("SGLang", Loads.NO, Basis.READ, OWN_HEAD + "; " + READ)
        : judge("SGLang", Basis.READ, READ, older("the version read"));
  }

  private Consumer mlx() {
    return judge("MLX", Basis.READ, READ, headDim("the version read").toList());
  }

  /// What an older reader of Mistral's config makes of a decoder.
  ///
  /// @param which the reader
  static List<String> older(ModelConfig config, Dimensions dimensions, String which) {
    return new Consumers(config, dimensions).older(which);
  }

  private List<String> older(String which) {
    return Stream.concat(headDim(which), ropeScaling(which)).toList();
  }

  private Stream<String> headDim(String which) {
    long derived = dimensions.hidden() / dimensions.heads();
    return dimensions.headDim() * dimensions.heads() == dimensions.hidden()
        ? Stream.empty()
        : Stream.of(
            String.format(
                Locale.ROOT,
                "%s takes head_dim as %d, not %d, and cannot load it",
                which,
                derived,
                dimensions.headDim()));
  }

  private Stream<String> ropeScaling(String which) {
    return config.json().path("rope_scaling").isObject()
        ? Stream.of(
            String.format(
                Locale.ROOT,
                "%s ignores rope scaling %s",
                which,
                config.json().path("rope_scaling").path("rope_type").asString("")))
        : Stream.empty();
  }

  private boolean tied() {
    return config.findBoolean("tie_word_embeddings").orElse(false);
  }

  private static Consumer judge(String name, Basis basis, String yes, List<String> limits) {
    if (limits.isEmpty()) {
      return new Consumer(name, Loads.YES, basis, yes);
    }
    List<String> reasons = new ArrayList<>(limits);
    reasons.add(yes);
    return new Consumer(name, Loads.WITH_LIMITS, basis, String.join("; ", reasons));
  }
}
