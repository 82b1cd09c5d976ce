package dev.upcycle.checkpoint;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import tools.jackson.databind.node.ObjectNode;

/// A typed view of `config.json`; keys that it does not know survive unchanged and in order.
///
/// Immutable. Reads the spellings of both generations of transformers (`torch_dtype` and `dtype`,
/// `rope_theta` with `rope_scaling` and `rope_parameters`).
public final class ModelConfig {
  /// Reads a `config.json`.
  ///
  /// @throws CheckpointFormatException when it is not a JSON object
  public static ModelConfig read(Path file) {
    throw new UnsupportedOperationException();
  }

  /// The config with these keys.
  public static ModelConfig of(ObjectNode json) {
    throw new UnsupportedOperationException();
  }

  /// A copy of all keys, for writing.
  public ObjectNode json() {
    throw new UnsupportedOperationException();
  }

  /// `model_type`, such as `mistral`.
  public String modelType() {
    throw new UnsupportedOperationException();
  }

  /// True when the key is present, also with a null value.
  public boolean has(String key) {
    throw new UnsupportedOperationException();
  }

  /// The whole number at this key; empty when absent or null.
  ///
  /// @throws CheckpointFormatException when it is there and is not a whole number
  public OptionalLong findLong(String key) {
    throw new UnsupportedOperationException();
  }

  /// The whole number at this key.
  ///
  /// @throws CheckpointFormatException when it is absent or not a whole number
  public long requireLong(String key) {
    throw new UnsupportedOperationException();
  }

  /// The number at this key; empty when absent or null.
  public OptionalDouble findDouble(String key) {
    throw new UnsupportedOperationException();
  }

  /// The text at this key; empty when absent or null.
  public Optional<String> findString(String key) {
    throw new UnsupportedOperationException();
  }

  /// The truth value at this key; empty when absent or null.
  public Optional<Boolean> findBoolean(String key) {
    throw new UnsupportedOperationException();
  }

  /// The texts in the list at this key; empty when absent or null.
  public List<String> strings(String key) {
    throw new UnsupportedOperationException();
  }

  /// The dtype of either spelling (`dtype`, `torch_dtype`); empty when the config does not say.
  public Optional<DType> dtype() {
    throw new UnsupportedOperationException();
  }

  /// The rotary embedding of either spelling; `defaultTheta` where the config does not say.
  ///
  /// @throws CheckpointFormatException when both spellings are there and disagree
  public RopeSettings rope(double defaultTheta) {
    throw new UnsupportedOperationException();
  }
}
