package dev.upcycle.arch;

import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.recipe.Part;
import java.util.Locale;
import java.util.Optional;
import tools.jackson.databind.JsonNode;

/// The one state of its image tower that a LLaVA reads.
///
/// @param key of the config that says it
/// @param value 0 for what enters the first layer, -1 for what leaves the last
/// @param layers that the tower has
public record TowerState(String key, long value, int layers) {
  /// The key of transformers.
  public static final String KEY = "vision_feature_layer";

  /// Refuses a state that the tower does not have.
  ///
  /// @throws CheckpointFormatException naming the key
  public TowerState {
    if (value < -layers - 1 || value > layers) {
      throw new CheckpointFormatException(
          Architecture.CONFIG_FAULT,
          String.format(
              Locale.ROOT,
              "%s in config.json is %d, expected %d to %d: the tower has %d layers",
              key,
              value,
              -layers - 1,
              layers,
              layers));
    }
  }

  /// The state of a model's tower; empty where no connector reads one.
  ///
  /// @throws CheckpointFormatException when the config names none that the tower has
  public static Optional<TowerState> find(Composition model) {
    Architecture family = model.whole();
    if (family.rule(Part.CONNECTOR).isEmpty()) {
      return Optional.empty();
    }
    ModelConfig whole = SingleConfig.spelled(family, model.parts().getFirst().config());
    String key = family.ownKeys().isEmpty() ? KEY : SingleConfig.STATE;
    return model
        .find(Part.VISION)
        .map(tower -> new TowerState(key, value(family, whole), tower.dimensions().layers()));
  }

  /// What a config says, whichever layers the tower has.
  ///
  /// @param family of the whole
  /// @param spelled the whole's config in the words of transformers
  /// @throws CheckpointFormatException when it is no whole number
  public static long value(Architecture family, ModelConfig spelled) {
    requireOne(family, spelled, KEY);
    return spelled.requireLong(KEY);
  }

  /// Features of several layers side by side, which transformers' LLaVA can have, are not read.
  static void requireOne(Architecture family, ModelConfig config, String key) {
    JsonNode said = config.json().path(key);
    if (said.isArray()) {
      throw new CheckpointFormatException(
          Architecture.CONFIG_FAULT,
          String.format(
              Locale.ROOT,
              "%s: %s of a %s is %s, expected one whole number: features of several layers side by"
                  + " side are not supported",
              config.origin(),
              key,
              family.modelType(),
              said));
    }
  }

  /// How many layers it takes to get there; the others are never used.
  public int count() {
    return Math.toIntExact(value < 0 ? layers + 1 + value : value);
  }
}
