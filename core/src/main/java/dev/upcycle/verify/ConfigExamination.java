package dev.upcycle.verify;

import dev.upcycle.arch.Architecture;
import dev.upcycle.arch.Dimensions;
import dev.upcycle.arch.ModelPart;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.checkpoint.RopeSettings;
import dev.upcycle.recipe.Experts;
import dev.upcycle.recipe.Recipe;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/// Does the target's `config.json` describe the dense model with experts, to readers of both
/// generations?
final class ConfigExamination implements Examination {
  private static final ModelConfig NOTHING = ModelConfig.of(JsonNodeFactory.instance.objectNode());

  /// Keys that change the function or the use of a decoder and that both families share.
  private static final List<String> SHARED =
      List.of(
          "max_position_embeddings",
          "sliding_window",
          "hidden_act",
          "rms_norm_eps",
          "tie_word_embeddings",
          "attention_dropout",
          "initializer_range",
          "bos_token_id",
          "eos_token_id",
          "pad_token_id");

  /// Keys that a consumer would otherwise fill with its own class's default, or derive otherwise.
  private static final List<String> EXPLICIT =
      List.of(
          "head_dim",
          "num_key_value_heads",
          "tie_word_embeddings",
          "rope_theta",
          "rope_parameters",
          "torch_dtype",
          "dtype",
          "num_local_experts",
          "num_experts_per_tok");

  /// Keys of the source's files and classes, which mean nothing to a target.
  private static final Set<String> OF_THE_SOURCE =
      Set.of("_name_or_path", "architectures", "auto_map", "quantization_config");

  /// Keys that stand in the config of the whole.
  private static final Set<String> OF_FILES = Set.of("dtype", "torch_dtype");

  /// Keys that a target has beside its source's, its class's defaults and the recipe's.
  private static final Set<String> OF_THE_TARGET =
      Set.of("architectures", "model_type", "rope_scaling");

  private final boolean fresh;

  private ConfigExamination(boolean fresh) {
    this.fresh = fresh;
  }

  /// A config as the conversion wrote it.
  static ConfigExamination converted() {
    return new ConfigExamination(true);
  }

  /// A config that a trainer may have written anew.
  static ConfigExamination trained() {
    return new ConfigExamination(false);
  }

  @Override
  public void examine(Subject subject, Findings findings) {
    Pair whole =
        new Pair(subject.denseParts().parts().getFirst(), subject.parts().parts().getFirst(), true);
    explicit(EXPLICIT, whole.target().config(), findings);
    expect(
        whole
            .target()
            .config()
            .strings("architectures")
            .equals(List.of(subject.family().className())),
        findings,
        "architectures",
        () ->
            String.format(
                Locale.ROOT,
                "expected [%s], actual %s",
                subject.family().className(),
                whole.target().config().strings("architectures")));
    examine(whole, subject, findings);
  }

  /// A decoder inside a composition, whose config says what is about its files.
  void ofPart(ModelPart dense, ModelPart target, Subject subject, Findings findings) {
    Pair pair = new Pair(dense, target, false);
    if (target.family().mixtureOfExperts() && !target.family().mixesLayers()) {
      explicit(
          EXPLICIT.stream().filter(key -> !OF_FILES.contains(key)).toList(),
          target.config(),
          findings);
    }
    examine(pair, subject, findings);
  }

  /// A decoder before and after.
  ///
  /// @param dense the source's part
  /// @param target the target's part
  /// @param whole whether the decoder is all there is
  private record Pair(ModelPart dense, ModelPart target, boolean whole) {
    Architecture family() {
      return target.family();
    }
  }

  private static void explicit(List<String> keys, ModelConfig config, Findings findings) {
    for (String key : keys) {
      expect(
          !value(config.json(), key).isNull(),
          findings,
          key,
          () ->
              "missing or null: readers "
                  + "of one of the two generations would put their own default in its place");
    }
  }

  private void examine(Pair pair, Subject subject, Findings findings) {
    ModelConfig config = pair.target().config();
    for (String key : pair.family().foreignKeys()) {
      expect(
          !config.has(key),
          findings,
          key,
          () ->
              String.format(
                  Locale.ROOT,
                  "is %s, expected no such key in a %s: readers of one generation take it as another setting",
                  config.json().get(key),
                  pair.family().modelType()));
    }
    spellings(config, pair.family(), findings);
    if (pair.whole()) {
      subject.recipe().ifPresent(recipe -> asAsked(recipe, config, findings));
    }
    subject.source().ifPresent(source -> asDense(pair, subject, findings));
  }

  private static void spellings(ModelConfig config, Architecture family, Findings findings) {
    JsonNode older = value(config.json(), "torch_dtype");
    JsonNode newer = value(config.json(), "dtype");
    expect(
        older.isNull() || newer.isNull() || older.equals(newer),
        findings,
        "dtype",
        () ->
            String.format(
                Locale.ROOT,
                "the two spellings disagree: torch_dtype is %s, dtype is %s",
                older,
                newer));
    findings.covered(CheckKind.CONFIG);
    try {
      config.rope(family.defaultRopeTheta());
    } catch (CheckpointFormatException disagreement) {
      findings.failed(
          CheckKind.CONFIG,
          "config.json: rope_parameters",
          String.valueOf(disagreement.getMessage()));
    }
  }

  private static void asAsked(Recipe recipe, ModelConfig config, Findings findings) {
    recipe
        .language()
        .ifPresent(language -> {
          Experts experts = language.experts();
          number(config, "num_local_experts", experts.count(), findings);
          number(config, "num_experts_per_tok", experts.perToken(), findings);
        });
    recipe
        .output()
        .config()
        .forEach((key, wanted) -> {
          JsonNode expected = JsonMapper.shared().valueToTree(wanted);
          JsonNode actual = value(config.json(), key);
          expect(
              ConfigValues.same(expected, actual),
              findings,
              key,
              () ->
                  String.format(
                      Locale.ROOT, "expected %s by recipe.yaml, actual %s", expected, actual));
        });
  }

  private static void number(ModelConfig config, String key, int wanted, Findings findings) {
    JsonNode actual = value(config.json(), key);
    expect(
        actual.isIntegralNumber() && actual.asLong() == wanted,
        findings,
        key,
        () -> String.format(Locale.ROOT, "expected %d by recipe.yaml, actual %s", wanted, actual));
  }

  private void asDense(Pair pair, Subject subject, Findings findings) {
    Set<String> overridden =
        pair.whole()
            ? subject.recipe().map(recipe -> recipe.output().config().keySet()).orElse(Set.of())
            : Set.of();
    Architecture dense = pair.dense().family();
    ModelConfig source = pair.dense().config();
    Dimensions wanted = pair.dense().dimensions();
    Dimensions actual = pair.target().dimensions();
    wanted
        .symbols()
        .forEach((symbol, size) ->
            expect(
                size.equals(actual.symbols().get(symbol)),
                findings,
                symbol,
                () ->
                    String.format(
                        Locale.ROOT,
                        "expected %d, as the source, actual %s",
                        size,
                        actual.symbols().get(symbol))));
    ObjectNode before = dense.complete(source).json();
    dense.ignoredKeys().forEach(before::remove);
    ObjectNode after = pair.family().complete(pair.target().config()).json();
    for (String key : SHARED) {
      JsonNode expected = value(before, key);
      JsonNode found = value(after, key);
      expect(
          overridden.contains(key)
              || ConfigValues.same(expected, found)
              || sameActivation(key, expected, found),
          findings,
          key,
          () ->
              String.format(
                  Locale.ROOT, "expected %s, as the source means, actual %s", expected, found));
    }
    rope(pair, overridden, findings);
    if (fresh) {
      others(pair, overridden, findings);
    }
  }

  /// Keys that nothing here knows: each of the source's is there unchanged, and none was added.
  private static void others(Pair pair, Set<String> overridden, Findings findings) {
    Architecture dense = pair.dense().family();
    ObjectNode before = pair.dense().config().json();
    Set<String> decided = new HashSet<>(OF_THE_TARGET);
    decided.addAll(EXPLICIT);
    decided.addAll(SHARED);
    decided.addAll(overridden);
    decided.addAll(pair.family().complete(NOTHING).json().propertyNames());
    if (pair.family().mixesLayers()) {
      decided.addAll(TowerConfigExamination.OF_EXPERTS);
    }
    ObjectNode after = pair.target().config().json();
    Set<String> gone = new HashSet<>(OF_THE_SOURCE);
    if (!pair.whole()) {
      gone.addAll(OF_FILES);
    }
    if (dense != pair.family()) {
      gone.addAll(dense.supersededKeys());
      gone.addAll(dense.ignoredKeys());
    }
    gone.addAll(pair.family().foreignKeys());
    for (String key : before.propertyNames()) {
      if (!gone.contains(key) && !decided.contains(key)) {
        expect(
            after.has(key) && ConfigValues.same(value(before, key), value(after, key)),
            findings,
            key,
            () ->
                String.format(
                    Locale.ROOT,
                    "expected %s, as the source, actual %s",
                    before.get(key),
                    after.has(key) ? after.get(key) : "absent"));
      }
    }
    decided.addAll(dense.complete(NOTHING).json().propertyNames());
    for (String key : after.propertyNames()) {
      if (!before.has(key) && !pair.family().foreignKeys().contains(key)) {
        expect(
            decided.contains(key),
            findings,
            key,
            () ->
                "is "
                    + after.get(key)
                    + ", expected no such key: neither source nor recipe has it");
      }
    }
  }

  private static void rope(Pair pair, Set<String> overridden, Findings findings) {
    if (overridden.stream().anyMatch(key -> key.startsWith("rope_"))) {
      return;
    }
    RopeSettings expected = pair.dense().config().rope(pair.dense().family().defaultRopeTheta());
    Optional<RopeSettings> actual = findRope(pair);
    expect(
        actual.isEmpty() || ConfigValues.same(tree(expected), tree(actual.get())),
        findings,
        "rope_parameters",
        () ->
            String.format(
                Locale.ROOT,
                "expected %s, as the source means, actual %s",
                expected,
                actual.get()));
  }

  /// Empty when the target's spellings disagree, which has a failure of its own.
  private static Optional<RopeSettings> findRope(Pair pair) {
    try {
      return Optional.of(pair.target().config().rope(pair.family().defaultRopeTheta()));
    } catch (CheckpointFormatException disagreement) {
      return Optional.empty();
    }
  }

  private static ObjectNode tree(RopeSettings rope) {
    ObjectNode tree = JsonNodeFactory.instance.objectNode();
    tree.put("theta", rope.theta()).put("type", rope.type());
    rope.scaling().ifPresent(scaling -> tree.set("scaling", scaling));
    return tree;
  }

  private static JsonNode value(ObjectNode config, String key) {
    JsonNode value = config.get(key);
    return value == null ? JsonNodeFactory.instance.nullNode() : value;
  }

  /// transformers knows one function under two names.
  private static boolean sameActivation(String key, JsonNode expected, JsonNode found) {
    return key.equals("hidden_act")
        && expected.asString("").equals("swish")
        && found.asString("").equals("silu");
  }

  private static void expect(
      boolean holds, Findings findings, String key, Supplier<String> message) {
    findings.covered(CheckKind.CONFIG);
    if (!holds) {
      findings.failed(CheckKind.CONFIG, "config.json: " + key, message.get());
    }
  }
}
