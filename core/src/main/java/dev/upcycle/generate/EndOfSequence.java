package dev.upcycle.generate;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.ModelConfig;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.Set;
import tools.jackson.databind.JsonNode;

/// The tokens after which a model has nothing more to say.
public final class EndOfSequence {
  private static final String KEY = "eos_token_id";

  private EndOfSequence() {}

  /// As `generation_config.json` says, else `config.json`; none when neither does.
  public static Set<Long> of(Checkpoint checkpoint) {
    Path generation = checkpoint.directory().resolve("generation_config.json");
    if (Files.isRegularFile(generation)) {
      Set<Long> ids = of(ModelConfig.read(generation));
      if (!ids.isEmpty()) {
        return ids;
      }
    }
    return of(checkpoint.config());
  }

  private static Set<Long> of(ModelConfig config) {
    Set<Long> ids = new LinkedHashSet<>();
    JsonNode value = config.json().path(KEY);
    if (value.isArray()) {
      value.forEach(id -> ids.add(id.asLong()));
    } else if (value.isIntegralNumber()) {
      ids.add(value.asLong());
    }
    return ids;
  }
}
