package dev.upcycle.arch;

import dev.upcycle.checkpoint.ModelConfig;
import java.util.OptionalLong;
import tools.jackson.databind.JsonNode;

/// Which layers of a family see a sliding window, as the classes of transformers 5 decide it.
enum WindowRule {
  /// None, whatever the config says.
  NEVER,
  /// All, when the config gives a window.
  ALL_LAYERS,
  /// All, when the config also says `use_sliding_window`.
  ALL_LAYERS_WHEN_USED,
  /// Those that `layer_types` calls sliding, else those from `max_window_layers` on.
  UPPER_LAYERS,
  /// Those that `layer_types` calls sliding, else every other one, from the first, below
  /// `max_window_layers`; transformers 4 takes all.
  EVEN_LAYERS;

  private static final String WINDOW = "sliding_window";
  private static final String LAYER_TYPES = "layer_types";
  private static final String SLIDING = "sliding_attention";
  private static final String FULL = "full_attention";

  OptionalLong window(ModelConfig config, int layer) {
    OptionalLong window = config.findLong(WINDOW);
    if (this == NEVER || window.isEmpty()) {
      return OptionalLong.empty();
    }
    if (this != ALL_LAYERS && !config.findBoolean("use_sliding_window").orElse(false)) {
      return OptionalLong.empty();
    }
    if (window.getAsLong() < 1) {
      throw Complaint.of(WINDOW, config, "a whole number from 1, or null");
    }
    boolean slides =
        switch (this) {
          case NEVER -> false;
          case ALL_LAYERS, ALL_LAYERS_WHEN_USED -> true;
          case UPPER_LAYERS -> slides(config, layer, layer >= bound(config));
          case EVEN_LAYERS -> slides(config, layer, layer % 2 == 0 && layer < bound(config));
        };
    return slides ? window : OptionalLong.empty();
  }

  private static long bound(ModelConfig config) {
    return config.requireLong("max_window_layers");
  }

  private static boolean slides(ModelConfig config, int layer, boolean otherwise) {
    JsonNode types = config.json().path(LAYER_TYPES);
    if (types.isMissingNode() || types.isNull()) {
      return otherwise;
    }
    String type = types.path(layer).asString("");
    if (!type.equals(SLIDING) && !type.equals(FULL)) {
      throw Complaint.of(LAYER_TYPES, config, SLIDING + " or " + FULL + " for every layer");
    }
    return type.equals(SLIDING);
  }
}
