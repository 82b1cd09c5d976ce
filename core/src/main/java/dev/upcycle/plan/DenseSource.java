package dev.upcycle.plan;

import dev.upcycle.arch.Architecture;
import dev.upcycle.arch.Composition;
import dev.upcycle.arch.ConnectorShapes;
import dev.upcycle.arch.ModelPart;
import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.checkpoint.TensorEntry;
import dev.upcycle.dialect.Sources;
import dev.upcycle.recipe.Part;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.Set;
import tools.jackson.databind.node.ObjectNode;

/// Puts dense models together from their parts.
public final class DenseSource {
  private static final List<Part> ORDER = List.of(Part.LANGUAGE, Part.VISION, Part.CONNECTOR);

  private DenseSource() {}

  /// Puts a LLaVA together: its config follows from those of the parts. One part alone is taken out
  /// of what holds it.
  ///
  /// @param parts where each part lies; a connector's may be one weights file, and may be left out
  ///   where the language model's directory holds it
  /// @throws CheckpointFormatException when a part does not fit the others
  /// @throws MissingPartsException when a part of several is missing
  /// @throws PlanException when a part holds tensors that it has no place for
  public static Checkpoint assemble(Map<Part, Path> parts) {
    Map<Part, Portion> portions = new EnumMap<>(Part.class);
    parts.forEach(
        (part, path) -> portion(part, open(part, path)).ifPresent(one -> portions.put(part, one)));
    requireNamed(portions);
    if (parts.size() == 1 && portions.size() == 1) {
      return alone(portions.values().iterator().next());
    }
    Portion language = portions.get(Part.LANGUAGE);
    if (language != null && !parts.containsKey(Part.CONNECTOR)) {
      connector(language.checkpoint()).ifPresent(one -> portions.put(Part.CONNECTOR, one));
    }
    requireAll(portions.keySet(), Set.copyOf(ORDER));
    ModelConfig config =
        new PartsConfig(
                part(portions, Part.LANGUAGE),
                part(portions, Part.VISION),
                part(portions, Part.CONNECTOR))
            .whole();
    Architecture whole = Architecture.require(PartsConfig.WHOLE);
    List<Checkpoint.Portion> taken = new ArrayList<>();
    for (Part part : ORDER) {
      Portion portion = portions.get(part);
      if (portion != null) {
        String prefix = whole.rule(part).orElseThrow().prefix();
        taken.add(new Checkpoint.Portion(part.key(), portion.checkpoint(), portion.names(prefix)));
      }
    }
    return Checkpoint.assembled(config, taken);
  }

  /// Whether these are an image tower and a decoder with nothing between them.
  public static boolean lacksConnector(Map<Part, Path> parts) {
    Path language = parts.get(Part.LANGUAGE);
    return language != null
        && parts.keySet().equals(Set.of(Part.LANGUAGE, Part.VISION))
        && connector(open(Part.LANGUAGE, language)).isEmpty();
  }

  /// The connector beside a decoder.
  private static Optional<Portion> connector(Checkpoint decoder) {
    return portion(Part.CONNECTOR, decoder).filter(one -> !one.names("").isEmpty());
  }

  static Checkpoint open(Part part, Path path) {
    // Beside a connector's file often lies the config of the decoder that it was trained with.
    return part == Part.CONNECTOR && Files.isRegularFile(path)
        ? ConnectorShapes.described(Checkpoint.openFile(path)).orElseGet(() -> Sources.open(path))
        : Sources.open(path);
  }

  /// A part and the checkpoint that holds it, perhaps beside others.
  ///
  /// @param holder all that the checkpoint has
  /// @param part the part as the checkpoint has it
  private record Portion(Checkpoint checkpoint, Composition holder, ModelPart part) {
    /// What stands in the way: tensors that neither the part nor what lies beside it has, and two
    /// that are one and the same of its own.
    List<String> obstacles() {
      List<String> obstacles = new ArrayList<>();
      Map<String, String> places = new HashMap<>();
      for (TensorEntry entry : checkpoint.tensors().values()) {
        if (holder.owner(entry.name()).isEmpty()) {
          obstacles.add(PartSources.stray(entry, holder));
        }
      }
      for (Map.Entry<String, String> one : names("").entrySet()) {
        String first = places.putIfAbsent(one.getValue(), one.getKey());
        if (first != null) {
          obstacles.add(SourceMatch.twice(first, one.getKey(), one.getValue(), part.family()));
        }
      }
      return obstacles;
    }

    /// The names that its tensors get, by those that they have.
    SequencedMap<String, String> names(String prefix) {
      SequencedMap<String, String> names = new LinkedHashMap<>();
      for (TensorEntry entry : checkpoint.tensors().values()) {
        part.match(entry.name())
            .map(match -> match.template().name(match.layer(), match.expert()))
            .ifPresent(own -> names.put(entry.name(), prefix + own));
      }
      return names;
    }
  }

  /// Dropping a tensor, or one of two, would change the model as it does where one is given whole.
  private static void requireNamed(Map<Part, Portion> portions) {
    Set<String> obstacles = new LinkedHashSet<>();
    portions
        .values()
        .forEach(portion ->
            portion
                .obstacles()
                .forEach(one -> obstacles.add(portion.checkpoint().directory() + ": " + one)));
    if (!obstacles.isEmpty()) {
      throw new PlanException(List.copyOf(obstacles));
    }
  }

  private static ModelPart part(Map<Part, Portion> portions, Part part) {
    return Optional.ofNullable(portions.get(part)).orElseThrow().part();
  }

  private static Checkpoint alone(Portion portion) {
    Checkpoint holder = portion.checkpoint();
    if (portion.part().family().modelType().equals(holder.config().modelType())) {
      return holder;
    }
    String label = portion.part().part().orElseThrow().key();
    return Checkpoint.assembled(
        alone(portion.part(), holder.config()),
        List.of(new Checkpoint.Portion(label, holder, portion.names(""))));
  }

  private static Optional<Portion> portion(Part part, Checkpoint checkpoint) {
    Composition composition = Composition.read(checkpoint.config(), checkpoint.tensors().keySet());
    return composition.find(part).map(found -> new Portion(checkpoint, composition, found));
  }

  /// Are all these among the parts given?
  ///
  /// @throws MissingPartsException naming those that are not
  static void requireAll(Set<Part> given, Set<Part> needed) {
    List<String> missing =
        ORDER.stream()
            .filter(needed::contains)
            .filter(part -> !given.contains(part))
            .map(Part::key)
            .toList();
    if (!missing.isEmpty()) {
      throw new MissingPartsException(
          String.format(
              Locale.ROOT,
              "a LLaVA's parts are language, vision and connector; missing or not in the directory"
                  + " given: %s. Add --model %s=PATH",
              String.join(", ", missing),
              missing.getFirst()));
    }
  }

  /// The config of a part that is taken out of what holds it.
  static ModelConfig alone(ModelPart part, ModelConfig whole) {
    ObjectNode json = PartsConfig.typed(part);
    for (String key : List.of("torch_dtype", "dtype")) {
      if (!json.has(key)) {
        whole.findString(key).ifPresent(dtype -> json.put(key, dtype));
      }
    }
    return ModelConfig.of(json);
  }
}
