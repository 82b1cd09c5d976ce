package dev.upcycle.arch;

import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.ModelConfig;

/// What is wrong with a value of a config.
final class Complaint {
  private Complaint() {}

  static CheckpointFormatException of(String key, ModelConfig config, String expected) {
    return new CheckpointFormatException(
        Architecture.CONFIG_FAULT,
        "%s in config.json is %s, expected %s".formatted(key, config.json().get(key), expected));
  }
}
