package dev.upcycle.checkpoint;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// A typed view of `config.json`; keys that it does not know survive unchanged and in order.
///
/// Immutable. Reads the spellings of both generations of transformers (`torch_dtype` and `dtype`,
/// `rope_theta` with `rope_scaling` and `rope_parameters`).
public final class ModelConfig {
  private final String origin;
  private final ObjectNode json;

  private ModelConfig(String origin, ObjectNode json) {
    this.origin = origin;
    this.json = json;
  }

  /// Reads a `config.json`.
  ///
  /// @throws CheckpointFormatException when it is not a JSON object
  public static ModelConfig read(Path file) {
    return new ModelConfig(
        file.toString(),
        JsonFile.read(file, CheckpointFault.MISSING_CONFIG, CheckpointFault.BAD_CONFIG));
  }

  /// The config with these keys.
  public static ModelConfig of(ObjectNode json) {
    return new ModelConfig("config.json", json.deepCopy());
  }

  /// A config with these keys in place of its own; complaints go on naming the file that this one
  /// was read from.
  public ModelConfig with(ObjectNode keys) {
    return new ModelConfig(origin, keys.deepCopy());
  }

  /// The file that it was read from, for complaints; `config.json` where it was made here.
  public String origin() {
    return origin;
  }

  /// A copy of all keys, for writing.
  public ObjectNode json() {
    return json.deepCopy();
  }

  /// The file as transformers writes it: keys sorted, two spaces, a newline at the end; floats stay
  /// floats.
  public byte[] toJson() {
    return JsonText.pretty(json);
  }

  /// `model_type`, such as `mistral`.
  ///
  /// @throws CheckpointFormatException when it is absent
  public String modelType() {
    return findString("model_type")
        .orElseThrow(() -> missing("model_type", "text, such as \"mistral\""));
  }

  /// True when the key is present, also with a null value.
  public boolean has(String key) {
    return json.has(key);
  }

  /// The config in the object at this key, such as `text_config`; empty when absent or null.
  ///
  /// @throws CheckpointFormatException when it is there and is not an object
  public Optional<ModelConfig> findNested(String key) {
    return findObject(key).map(nested -> new ModelConfig(origin + ", in '" + key + "'", nested));
  }

  /// How many keys the object at this key has; empty when it is something else or absent.
  public OptionalLong findSize(String key) {
    return json.get(key) instanceof ObjectNode object
        ? OptionalLong.of(object.size())
        : OptionalLong.empty();
  }

  /// The whole number at this key; empty when absent or null.
  ///
  /// @throws CheckpointFormatException when it is there and is not a whole number
  public OptionalLong findLong(String key) {
    Optional<JsonNode> value = findValue(key);
    if (value.isEmpty()) {
      return OptionalLong.empty();
    }
    if (!value.get().isIntegralNumber() || !value.get().canConvertToLong()) {
      throw bad(key, "a whole number");
    }
    return OptionalLong.of(value.get().longValue());
  }

  /// The whole number at this key.
  ///
  /// @throws CheckpointFormatException when it is absent or not a whole number
  public long requireLong(String key) {
    return findLong(key).orElseThrow(() -> missing(key, "a whole number"));
  }

  /// The number at this key; empty when absent or null.
  ///
  /// @throws CheckpointFormatException when it is there and is not a finite number
  public OptionalDouble findDouble(String key) {
    Optional<JsonNode> value = findValue(key);
    if (value.isEmpty()) {
      return OptionalDouble.empty();
    }
    if (!value.get().isNumber() || !Double.isFinite(value.get().asDouble())) {
      throw bad(key, "a number");
    }
    return OptionalDouble.of(value.get().asDouble());
  }

  /// The text at this key; empty when absent or null.
  ///
  /// @throws CheckpointFormatException when it is there and is not text
  public Optional<String> findString(String key) {
    return findValue(key)
        .map(value -> {
          if (!value.isString()) {
            throw bad(key, "text");
          }
          return value.stringValue();
        });
  }

  /// The truth value at this key; empty when absent or null.
  ///
  /// @throws CheckpointFormatException when it is there and is neither true nor false
  public Optional<Boolean> findBoolean(String key) {
    return findValue(key)
        .map(value -> {
          if (!value.isBoolean()) {
            throw bad(key, "true or false");
          }
          return value.booleanValue();
        });
  }

  /// The texts in the list at this key; empty when absent or null.
  ///
  /// @throws CheckpointFormatException when it is there and is not a list of texts
  public List<String> strings(String key) {
    Optional<JsonNode> value = findValue(key);
    if (value.isEmpty()) {
      return List.of();
    }
    if (!(value.get() instanceof ArrayNode list)) {
      throw bad(key, "a list of texts");
    }
    List<String> texts = new ArrayList<>();
    for (JsonNode element : list) {
      if (!element.isString()) {
        throw bad(key, "a list of texts");
      }
      texts.add(element.stringValue());
    }
    return List.copyOf(texts);
  }

  /// The dtype of either spelling (`dtype`, `torch_dtype`); empty when the config does not say,
  /// also when it names a type that is not known here, such as `auto`.
  ///
  /// @throws CheckpointFormatException when both are there and disagree
  public Optional<DType> dtype() {
    return TorchDTypes.read(this);
  }

  /// The rotary embedding of either spelling; `defaultTheta` where the config does not say.
  ///
  /// @throws CheckpointFormatException when both spellings are there and disagree
  public RopeSettings rope(double defaultTheta) {
    return RopeSpellings.read(this, defaultTheta);
  }

  /// This config with `dtype` and `torch_dtype` naming this type.
  ///
  /// @throws IllegalArgumentException when torch has no such type
  public ModelConfig withDType(DType dtype) {
    ObjectNode changed = json.deepCopy();
    TorchDTypes.write(changed, dtype);
    return new ModelConfig(origin, changed);
  }

  /// This config in the spellings of both generations of transformers: `rope_theta`, `rope_scaling`
  /// (null when there is none) and `rope_parameters`, all agreeing; `torch_dtype` and `dtype`, when
  /// it says either.
  ///
  /// @param defaultTheta the source family's theta where the config does not say
  /// @throws CheckpointFormatException when the spellings that are there disagree
  public ModelConfig withBothSpellings(double defaultTheta) {
    ObjectNode changed = json.deepCopy();
    RopeSpellings.write(changed, rope(defaultTheta));
    dtype().ifPresent(dtype -> TorchDTypes.write(changed, dtype));
    return new ModelConfig(origin, changed);
  }

  /// The object at this key; empty when absent or null.
  Optional<ObjectNode> findObject(String key) {
    return findValue(key)
        .map(value -> {
          if (!(value instanceof ObjectNode object)) {
            throw bad(key, "an object");
          }
          return object;
        });
  }

  CheckpointFormatException bad(String key, String expected) {
    return new CheckpointFormatException(
        CheckpointFault.BAD_CONFIG_VALUE,
        String.format(
            Locale.ROOT,
            "%s: '%s' is %s, expected %s; correct the value",
            origin,
            key,
            json.get(key),
            expected));
  }

  CheckpointFormatException disagreement(String first, String second) {
    return new CheckpointFormatException(
        CheckpointFault.CONFIG_SPELLINGS_DISAGREE,
        String.format(
            Locale.ROOT,
            "%s: %s, but %s; both spell one setting and must agree: correct or remove one",
            origin,
            first,
            second));
  }

  private CheckpointFormatException missing(String key, String expected) {
    return new CheckpointFormatException(
        CheckpointFault.MISSING_CONFIG_KEY,
        String.format(
            Locale.ROOT,
            "%s: '%s' is absent or null, expected %s; add the key",
            origin,
            key,
            expected));
  }

  private Optional<JsonNode> findValue(String key) {
    return Optional.ofNullable(json.get(key)).filter(value -> !value.isNull());
  }
}
