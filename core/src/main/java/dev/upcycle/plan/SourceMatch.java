package dev.upcycle.plan;

import dev.upcycle.arch.Architecture;
import dev.upcycle.arch.Dimensions;
import dev.upcycle.arch.ModelPart;
import dev.upcycle.arch.Role;
import dev.upcycle.arch.TemplateMatch;
import dev.upcycle.arch.TensorSlot;
import dev.upcycle.arch.TensorTemplate;
import dev.upcycle.checkpoint.DType;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.checkpoint.Shape;
import dev.upcycle.checkpoint.TensorEntry;
import dev.upcycle.recipe.Part;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Sorts the source's tensors: those that the target is made of, those that can go and why, and
/// everything that stands in the way.
final class SourceMatch {
  private static final Set<DType> FLOATS = EnumSet.of(DType.F16, DType.BF16, DType.F32, DType.F64);
  static final String DERIVED = "derived from the config by every consumer";
  private static final String UNUSED =
      "behind the last layer of the tower, where a LLaVA never looks; CuMo's tower has no such"
          + " tensor";
  private static final String LM_HEAD = "lm_head.weight";
  private static final String CONNECTOR_REMEDY =
      "its width is the tower's times the number of scales: set scales in the config as the model"
          + " was trained, such as [1, 3], or give the connector that belongs to the tower";

  private final SourceTensors source;
  private final ModelPart part;
  private final Architecture family;
  private final Architecture target;
  private final Dimensions dimensions;
  private final Map<String, TensorEntry> used = new HashMap<>();
  private final List<Discarded> discarded = new ArrayList<>();
  private final List<String> reasons = new ArrayList<>();
  private final Map<String, TensorEntry> places = new HashMap<>();

  /// @param claimed the source's tensors that have a template in the part
  SourceMatch(
      SourceTensors source, ModelPart part, Architecture target, List<TensorEntry> claimed) {
    this.source = source;
    this.part = part;
    this.family = part.family();
    this.target = target;
    this.dimensions = part.dimensions();
    List<TensorEntry> heads = new ArrayList<>();
    for (TensorEntry entry : claimed) {
      TemplateMatch match = part.match(entry.name()).orElseThrow();
      if (taken(entry, match)) {
        continue;
      }
      if (match.template().role() == Role.LM_HEAD) {
        heads.add(entry);
      } else {
        sort(entry, match);
      }
    }
    heads.forEach(this::head);
    unfilled();
  }

  /// The tensors that the target is made of, by the part's own names.
  Map<String, TensorEntry> used() {
    return Map.copyOf(used);
  }

  /// The tensors that can go.
  List<Discarded> discarded() {
    return List.copyOf(discarded);
  }

  /// What stands in the way.
  List<String> reasons() {
    return List.copyOf(reasons);
  }

  /// Which of two was trained cannot be told from their names.
  private boolean taken(TensorEntry entry, TemplateMatch match) {
    String place = match.template().name(match.layer(), match.expert());
    TensorEntry first = places.putIfAbsent(place, entry);
    if (first != null) {
      reasons.add(twice(first.name(), entry.name(), place, family));
    }
    return first != null;
  }

  /// What is said of two tensors that claim one place of a family's.
  static String twice(String first, String second, String place, Architecture family) {
    return String.format(
        Locale.ROOT,
        "%s and %s are both %s of a %s; remove the one that does not belong to the model",
        first,
        second,
        place,
        family.modelType());
  }

  private void sort(TensorEntry entry, TemplateMatch match) {
    if (match.layer().isPresent() && match.layer().getAsInt() >= dimensions.layers()) {
      reasons.add(
          String.format(
              Locale.ROOT,
              "%s: layer %d, but num_hidden_layers in config.json is %d",
              entry.name(),
              match.layer().getAsInt(),
              dimensions.layers()));
      return;
    }
    Role role = match.template().role();
    if (role == Role.DERIVED) {
      discarded.add(new Discarded(entry.name(), DERIVED));
    } else if (target.leftOut().contains(match.template().pattern())) {
      discarded.add(new Discarded(entry.name(), UNUSED));
    } else if (role == Role.FFN_BIAS) {
      bias(entry, "feed-forward");
    } else if (role == Role.ATTENTION_BIAS && !target.has(role)) {
      bias(entry, "attention");
    } else if (denied(match.template())) {
      denied(entry, match.template().flag().orElseThrow());
    } else {
      use(entry, match.template());
      used.put(match.template().name(match.layer(), match.expert()), entry);
    }
  }

  /// Whether the config says that the model has no such tensor.
  private boolean denied(TensorTemplate template) {
    return template.flag().isPresent() && !family.expects(template, family.complete(part.config()));
  }

  private void denied(TensorEntry entry, String flag) {
    String key = part.outerKey(flag);
    if (FLOATS.contains(entry.dtype()) && source.zero(entry)) {
      discarded.add(new Discarded(entry.name(), "all zero, and " + key + " says there is none"));
      return;
    }
    reasons.add(
        String.format(
            Locale.ROOT,
            "%s: %s in config.json says that there is none, and this one is not all zero%s; set %s"
                + " to true where the model was trained with it, or remove the tensor",
            entry.name(),
            key,
            source.blindness(),
            key));
  }

  private void bias(TensorEntry entry, String where) {
    if (FLOATS.contains(entry.dtype()) && source.zero(entry)) {
      discarded.add(
          new Discarded(entry.name(), "all zero, and " + target.modelType() + " has no biases"));
      return;
    }
    String able =
        where.equals("attention")
            ? "Qwen2-MoE carries query, key and value biases, GraniteMoE output biases too"
            : "no Mixture-of-Experts class carries them";
    reasons.add(
        String.format(
            Locale.ROOT,
            "%s: %s has no %s biases and this one is not all zero%s; %s",
            entry.name(),
            target.className(),
            where,
            source.blindness(),
            able));
  }

  private void use(TensorEntry entry, TensorTemplate template) {
    Shape expected = dimensions.shape(template);
    if (!entry.shape().equals(expected)) {
      reasons.add(
          String.format(
              Locale.ROOT,
              "%s: shape %s in %s, expected %s by config.json (%s)",
              entry.name(),
              entry.shape(),
              entry.file().getFileName(),
              expected,
              part.part().equals(Optional.of(Part.CONNECTOR)) && !part.naming().prefix().isEmpty()
                  ? CONNECTOR_REMEDY
                  : "correct the config, or give the weights that belong to it"));
    } else if (!FLOATS.contains(entry.dtype())) {
      reasons.add(
          String.format(
              Locale.ROOT,
              "%s: dtype %s in %s, expected one of F16, BF16, F32, F64; quantised weights are not read: give the model as it was trained",
              entry.name(),
              entry.dtype(),
              entry.file().getFileName()));
    }
  }

  private void head(TensorEntry entry) {
    if (!tied()) {
      use(entry, family.template(Role.LM_HEAD));
      used.put(LM_HEAD, entry);
      return;
    }
    String embedding = family.template(Role.EMBEDDING).pattern();
    TensorEntry embedded = used.get(embedding);
    if (embedded != null && source.equal(entry, embedded)) {
      discarded.add(
          new Discarded(entry.name(), "tie_word_embeddings is true and it equals " + embedding));
      return;
    }
    reasons.add(
        String.format(
            Locale.ROOT,
            "%s differs from %s though tie_word_embeddings in config.json is true: transformers 4"
                + " runs the embedding, transformers 5 this tensor. Set tie_word_embeddings to"
                + " false to keep it, or remove it from the weights",
            entry.name(),
            embedding));
  }

  private boolean tied() {
    ModelConfig complete = family.complete(part.config());
    return complete.findBoolean("tie_word_embeddings").orElse(false);
  }

  private void unfilled() {
    for (String name : family.leftOut()) {
      if (!target.leftOut().contains(name)
          && target.match(name).isPresent()
          && !used.containsKey(name)) {
        reasons.add(
            String.format(
                Locale.ROOT,
                "%s is missing from the source, and a %s has it; choose target cumo",
                part.naming().outer(name),
                target.modelType()));
      }
    }
    for (TensorSlot slot : part.slots()) {
      Role role = slot.role();
      TemplateMatch match = slot.match();
      String own = match.template().name(match.layer(), match.expert());
      boolean dispensable =
          role == Role.FFN_BIAS
              || target.leftOut().contains(match.template().pattern())
              || (role == Role.ATTENTION_BIAS && !target.has(role));
      if (dispensable || used.containsKey(own)) {
        continue;
      }
      String remedy =
          own.equals(LM_HEAD)
              ? "; if the model ties its embeddings, set tie_word_embeddings to true in config.json"
              : "";
      reasons.add(
          String.format(
              Locale.ROOT,
              "%s %s is missing from the source: config.json promises it%s",
              slot.name(),
              slot.shape(),
              remedy));
    }
  }
}
