package dev.upcycle.arch;

import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.ModelConfig;
import java.util.Locale;

/// What is wrong with a value of a config.
final class Complaint {
  private Complaint() {}

  static CheckpointFormatException of(String key, ModelConfig config, String expected) {
    return new CheckpointFormatException(
        Architecture.CONFIG_FAULT,
        String.format(
            Locale.ROOT,
            "%s: %s is %s, expected %s",
            config.origin(),
            key,
            config.json().get(key),
            expected));
  }
}
