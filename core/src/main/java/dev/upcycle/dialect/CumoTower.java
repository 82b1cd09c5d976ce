package dev.upcycle.dialect;

import dev.upcycle.arch.Composition;
import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.recipe.Part;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import tools.jackson.databind.node.ObjectNode;

/// CuMo's `clip.bin`: an image tower without the norm behind its last layer, which CuMo's class
/// does not have. The config beside it is that of the CLIP that it was made from.
final class CumoTower {
  private static final String TYPE = "cumo_vision";
  private static final String NORM = "post_layernorm";

  private CumoTower() {}

  /// The checkpoint under the config of CuMo's tower, where it is one; else itself.
  static Checkpoint configured(Checkpoint stored) {
    Set<String> names = stored.tensors().keySet();
    boolean possible = !names.isEmpty() && names.stream().noneMatch(name -> name.contains(NORM));
    return stored
        .findConfig()
        .filter(config -> possible)
        .flatMap(CumoTower::tower)
        .filter(config -> whole(config, names))
        .map(config ->
            stored.readAs(
                config,
                List.copyOf(stored.tensors().values()),
                List.of(
                    "the tower has no norm behind its last layer ("
                        + NORM
                        + "): it is read as CuMo's, which never uses it")))
        .orElse(stored);
  }

  private static Optional<ModelConfig> tower(ModelConfig config) {
    Optional<ModelConfig> own =
        switch (config.findString("model_type").orElse("")) {
          case "clip_vision_model" -> Optional.of(config);
          case "clip" ->
              Composition.read(config, Set.of()).find(Part.VISION).map(one -> one.config());
          default -> Optional.empty();
        };
    return own.map(one -> {
      ObjectNode json = one.json();
      json.put("model_type", TYPE);
      return one.with(json);
    });
  }

  /// Is nothing but the norm missing, and nothing else there?
  private static boolean whole(ModelConfig config, Set<String> names) {
    Composition tower = Composition.read(config, names);
    return names.stream().allMatch(name -> tower.owner(name).isPresent())
        && tower.slots().allMatch(slot -> names.contains(slot.name()));
  }
}
