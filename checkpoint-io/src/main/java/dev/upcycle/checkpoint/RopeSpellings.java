package dev.upcycle.checkpoint;

import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.DoubleNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/// The two spellings of the rotary embedding: `rope_theta` with `rope_scaling` (transformers 4) and
/// `rope_parameters` (transformers 5).
final class RopeSpellings {
  private static final String THETA = "rope_theta";
  private static final String SCALING = "rope_scaling";
  private static final String PARAMETERS = "rope_parameters";
  private static final String TYPE = "rope_type";
  private static final String OLD_TYPE = "type";
  private static final String DEFAULT = "default";

  /// Parameters that transformers wants as floats (`modeling_rope_utils.py`).
  private static final Set<String> FLOATS =
      Set.of(
          "factor",
          "attention_factor",
          "beta_fast",
          "beta_slow",
          "low_freq_factor",
          "high_freq_factor",
          "long_factor",
          "short_factor",
          "mscale",
          "mscale_all_dim",
          "partial_rotary_factor");

  private static final Comparator<JsonNode> NUMERIC =
      (a, b) -> {
        if (a.isNumber() && b.isNumber()) {
          return Double.compare(a.doubleValue(), b.doubleValue());
        }
        return a.equals(b) ? 0 : 1;
      };

  private RopeSpellings() {}

  static RopeSettings read(ModelConfig config, double defaultTheta) {
    Optional<ModelConfig> scaling = config.findNested(SCALING);
    Optional<ModelConfig> parameters = config.findNested(PARAMETERS);
    parameters.ifPresent(RopeSpellings::requireFlat);
    double theta = theta(config, parameters).orElse(defaultTheta);
    RopeSettings old = settings(theta, scaling);
    if (parameters.isEmpty()) {
      return old;
    }
    RopeSettings fresh = settings(theta, parameters);
    if (config.has(SCALING) && !same(old, fresh)) {
      throw config.disagreement(
          String.format(Locale.ROOT, "'%s' is %s", SCALING, config.json().get(SCALING)),
          String.format(Locale.ROOT, "'%s' is %s", PARAMETERS, config.json().get(PARAMETERS)));
    }
    return fresh;
  }

  static void write(ObjectNode json, RopeSettings rope) {
    ObjectNode scaling = JsonNodeFactory.instance.objectNode();
    scaling.put(TYPE, rope.type());
    rope.scaling()
        .ifPresent(parameters ->
            parameters.forEachEntry(
                (key, value) -> scaling.set(key, FLOATS.contains(key) ? asFloat(value) : value)));
    ObjectNode parameters = scaling.deepCopy();
    parameters.put(THETA, rope.theta());
    json.put(THETA, rope.theta());
    if (rope.type().equals(DEFAULT)) {
      json.putNull(SCALING);
    } else {
      json.set(SCALING, scaling);
    }
    json.set(PARAMETERS, parameters);
  }

  private static OptionalDouble theta(ModelConfig config, Optional<ModelConfig> parameters) {
    OptionalDouble outer = positive(config);
    if (parameters.isEmpty()) {
      return outer;
    }
    OptionalDouble inner = positive(parameters.get());
    if (outer.isPresent() && inner.isPresent() && outer.getAsDouble() != inner.getAsDouble()) {
      throw config.disagreement(
          String.format(Locale.ROOT, "'%s' is %s", THETA, outer.getAsDouble()),
          String.format(Locale.ROOT, "'%s' in '%s' is %s", THETA, PARAMETERS, inner.getAsDouble()));
    }
    return inner.isPresent() ? inner : outer;
  }

  private static OptionalDouble positive(ModelConfig config) {
    OptionalDouble theta = config.findDouble(THETA);
    if (theta.isPresent() && theta.getAsDouble() <= 0) {
      throw config.bad(THETA, "a number above 0");
    }
    return theta;
  }

  /// Settings per kind of layer (`{"full_attention": {…}}`) are another thing under the same key.
  private static void requireFlat(ModelConfig parameters) {
    for (var entry : parameters.json().properties()) {
      if (entry.getValue().isObject()) {
        throw parameters.bad(
            entry.getKey(), "a single value: settings per kind of layer are not supported");
      }
    }
  }

  private static RopeSettings settings(double theta, Optional<ModelConfig> spelled) {
    if (spelled.isEmpty()) {
      return new RopeSettings(theta, DEFAULT, Optional.empty());
    }
    ObjectNode rest = spelled.get().json();
    rest.remove(List.of(THETA, TYPE, OLD_TYPE));
    return new RopeSettings(
        theta, type(spelled.get()), Optional.of(rest).filter(parameters -> !parameters.isEmpty()));
  }

  private static String type(ModelConfig spelled) {
    Optional<String> fresh = spelled.findString(TYPE).map(RopeSpellings::currentName);
    Optional<String> old = spelled.findString(OLD_TYPE).map(RopeSpellings::currentName);
    if (fresh.isPresent() && old.isPresent() && !fresh.equals(old)) {
      throw spelled.disagreement(
          String.format(Locale.ROOT, "'%s' is %s", TYPE, fresh.get()),
          String.format(Locale.ROOT, "'%s' is %s", OLD_TYPE, old.get()));
    }
    return fresh.or(() -> old).orElse(DEFAULT);
  }

  /// Early Phi-3 called it `su`.
  private static String currentName(String type) {
    return type.equals("su") ? "longrope" : type;
  }

  /// Whether both say the same; 8 and 8.0 are one number.
  private static boolean same(RopeSettings a, RopeSettings b) {
    return a.type().equals(b.type()) && parameters(a).equals(NUMERIC, parameters(b));
  }

  private static ObjectNode parameters(RopeSettings rope) {
    return rope.scaling().orElseGet(JsonNodeFactory.instance::objectNode);
  }

  private static JsonNode asFloat(JsonNode value) {
    if (value instanceof ArrayNode list) {
      ArrayNode floats = JsonNodeFactory.instance.arrayNode();
      list.forEach(element -> floats.add(asFloat(element)));
      return floats;
    }
    return value.isIntegralNumber() ? DoubleNode.valueOf(value.doubleValue()) : value;
  }
}
