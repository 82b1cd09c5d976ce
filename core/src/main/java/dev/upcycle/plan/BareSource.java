package dev.upcycle.plan;

import dev.upcycle.arch.Composition;
import dev.upcycle.arch.ModelPart;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.recipe.Part;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import tools.jackson.databind.node.ObjectNode;

/// A dense model of which only configs are known.
///
/// @param config of the whole
/// @param notes what was taken to be so
public record BareSource(ModelConfig config, List<String> notes) {
  private static final int DEPTH = 2;
  private static final String CONFIG = "config.json";
  private static final Pattern WEIGHTS =
      Pattern.compile("\\.(safetensors|bin|pt|pth)(\\.index\\.json)?$");

  /// Takes a copy.
  public BareSource {
    notes = List.copyOf(notes);
  }

  /// One config of one model.
  public static BareSource of(ModelConfig config) {
    return new BareSource(config, List.of());
  }

  /// The parts of a LLaVA, or one part alone. A connector that none gives is taken to be the one
  /// that fits: two linear layers, as wide as so many scales of the tower.
  ///
  /// @param scales at which the recipe lets the tower look
  /// @throws MissingPartsException when there are several, and no decoder or no tower
  public static BareSource of(Map<Part, ModelConfig> configs, List<Integer> scales) {
    Map<Part, ModelPart> parts = new EnumMap<>(Part.class);
    configs.forEach((part, config) -> find(part, config).ifPresent(one -> parts.put(part, one)));
    if (configs.size() == 1 && parts.size() == 1) {
      ModelPart only = parts.values().iterator().next();
      return of(DenseSource.alone(only, configs.values().iterator().next()));
    }
    ModelConfig language = configs.get(Part.LANGUAGE);
    if (language != null && !configs.containsKey(Part.CONNECTOR)) {
      find(Part.CONNECTOR, language).ifPresent(one -> parts.put(Part.CONNECTOR, one));
    }
    DenseSource.requireAll(parts.keySet(), Set.of(Part.LANGUAGE, Part.VISION));
    ModelPart tower = Objects.requireNonNull(parts.get(Part.VISION));
    ModelPart decoder = Objects.requireNonNull(parts.get(Part.LANGUAGE));
    List<String> notes = new ArrayList<>();
    ModelPart connector =
        Optional.ofNullable(parts.get(Part.CONNECTOR))
            .orElseGet(() -> fitting(tower, decoder, scales, notes));
    return new BareSource(new PartsConfig(decoder, tower, connector).whole(), notes);
  }

  /// Whether a part is given by its config alone: as that file, or as a directory without weights.
  public static boolean bare(Path part) {
    if (Files.isRegularFile(part)) {
      return part.toString().endsWith(".json");
    }
    if (!Files.isRegularFile(part.resolve(CONFIG))) {
      return false;
    }
    try (Stream<Path> files = Files.list(part)) {
      return files.map(Path::toString).noneMatch(name -> WEIGHTS.matcher(name).find());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// The config of a part; that of a connector's weights follows from their shapes.
  ///
  /// @throws dev.upcycle.checkpoint.CheckpointFormatException when it cannot be read
  public static ModelConfig config(Part part, Path path) {
    if (!bare(path)) {
      return DenseSource.open(part, path).config();
    }
    return ModelConfig.read(Files.isRegularFile(path) ? path : path.resolve(CONFIG));
  }

  private static Optional<ModelPart> find(Part part, ModelConfig config) {
    return Composition.read(config, Set.of()).find(part);
  }

  private static ModelPart fitting(
      ModelPart tower, ModelPart decoder, List<Integer> scales, List<String> notes) {
    long hidden = tower.dimensions().hidden();
    long input = Math.multiplyExact(hidden, (long) scales.size());
    ObjectNode json = tower.config().json().objectNode();
    json.put("model_type", "mlp");
    json.put("input_size", input);
    json.put("hidden_size", decoder.dimensions().hidden());
    json.put("depth", DEPTH);
    notes.add(
        String.format(
            Locale.ROOT,
            "no connector is given: it is taken to be %d linear layers from %d (%d x the tower's %d,"
                + " since vision.scales is %s) to the decoder's %d",
            DEPTH,
            input,
            scales.size(),
            hidden,
            scales,
            decoder.dimensions().hidden()));
    return find(Part.CONNECTOR, ModelConfig.of(json)).orElseThrow();
  }
}
