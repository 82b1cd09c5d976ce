package dev.upcycle.plan;

import dev.upcycle.arch.Architecture;
import dev.upcycle.arch.Composition;
import dev.upcycle.arch.ConnectorShapes;
import dev.upcycle.arch.ModelPart;
import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.CheckpointFault;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.checkpoint.TensorEntry;
import dev.upcycle.dialect.Sources;
import dev.upcycle.recipe.Part;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// Puts dense models together from their parts.
public final class DenseSource {
  private static final String WHOLE = "llava";
  private static final List<Part> ORDER = List.of(Part.LANGUAGE, Part.VISION, Part.CONNECTOR);

  private DenseSource() {}

  /// Puts a LLaVA together: its config follows from those of the parts.
  ///
  /// @param parts where each part lies; a connector's may be one weights file, and may be left out
  ///   where the language model's directory holds it
  /// @throws CheckpointFormatException when a part is missing or does not fit the others
  public static Checkpoint assemble(Map<Part, Path> parts) {
    Map<Part, Portion> portions = new EnumMap<>(Part.class);
    parts.forEach(
        (part, path) -> portion(part, open(part, path)).ifPresent(one -> portions.put(part, one)));
    Portion language = portions.get(Part.LANGUAGE);
    if (language != null && !parts.containsKey(Part.CONNECTOR)) {
      portion(Part.CONNECTOR, language.checkpoint())
          .filter(one -> !one.names("").isEmpty())
          .ifPresent(one -> portions.put(Part.CONNECTOR, one));
    }
    requireAll(portions);
    ModelConfig config = config(portions);
    Architecture whole = Architecture.require(WHOLE);
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

  private static Checkpoint open(Part part, Path path) {
    // Beside a connector's file often lies the config of the decoder that it was trained with.
    return part == Part.CONNECTOR && Files.isRegularFile(path)
        ? ConnectorShapes.described(Checkpoint.openFile(path)).orElseGet(() -> Sources.open(path))
        : Sources.open(path);
  }

  /// A part and the checkpoint that holds it, perhaps beside others.
  ///
  /// @param part the part as the checkpoint has it
  private record Portion(Checkpoint checkpoint, ModelPart part) {
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

  private static Optional<Portion> portion(Part part, Checkpoint checkpoint) {
    Composition composition = Composition.read(checkpoint.config(), checkpoint.tensors().keySet());
    return composition.find(part).map(found -> new Portion(checkpoint, found));
  }

  private static void requireAll(Map<Part, Portion> portions) {
    List<String> missing =
        ORDER.stream().filter(part -> !portions.containsKey(part)).map(Part::key).toList();
    if (!missing.isEmpty()) {
      throw new CheckpointFormatException(
          CheckpointFault.MISSING_CONFIG_KEY,
          String.format(
              Locale.ROOT,
              "a LLaVA's parts are language, vision and connector; missing or not in the directory"
                  + " given: %s. Add --model %s=PATH",
              String.join(", ", missing),
              missing.getFirst()));
    }
  }

  private static ModelConfig config(Map<Part, Portion> portions) {
    ModelPart language = part(portions, Part.LANGUAGE);
    ModelPart vision = part(portions, Part.VISION);
    ModelPart connector = part(portions, Part.CONNECTOR);
    ObjectNode json = language.config().json().objectNode();
    json.put("model_type", WHOLE);
    json.putArray("architectures").add(Architecture.require(WHOLE).className());
    language.config().dtype().ifPresent(dtype -> json.put("torch_dtype", torch(language)));
    json.set("text_config", typed(language));
    json.set("vision_config", typed(vision));
    ModelConfig own = connector.family().complete(connector.config());
    json.put("projector_hidden_act", own.findString("hidden_act").orElse("gelu"));
    json.put("multimodal_projector_bias", own.findBoolean("bias").orElse(true));
    ArrayNode scales = json.putArray("scales");
    scales(connector, vision, language).forEach(scales::add);
    return ModelConfig.of(json);
  }

  private static ModelPart part(Map<Part, Portion> portions, Part part) {
    return Optional.ofNullable(portions.get(part)).orElseThrow().part();
  }

  private static String torch(ModelPart language) {
    return language
        .config()
        .findString("torch_dtype")
        .or(() -> language.config().findString("dtype"))
        .orElseThrow();
  }

  private static ObjectNode typed(ModelPart part) {
    ObjectNode json = part.config().json();
    json.put("model_type", part.family().modelType());
    return json;
  }

  /// How many scales a connector reads follows from its width; which they are, from what is
  /// published: CuMo's two, and the three of LLaVA's S².
  private static List<Integer> scales(ModelPart connector, ModelPart vision, ModelPart language) {
    long input = connector.dimensions().require("input");
    long output = connector.dimensions().hidden();
    long hidden = vision.dimensions().hidden();
    if (output != language.dimensions().hidden()
        || connector.dimensions().require("depth") != 2
        || input % hidden != 0
        || input / hidden > 3) {
      throw new CheckpointFormatException(
          CheckpointFault.BAD_CONFIG_VALUE,
          String.format(
              Locale.ROOT,
              "the connector has %d linear layers from %d to %d; expected 2 from 1, 2 or 3 times"
                  + " the tower's %d to the language model's %d: give the parts that were trained"
                  + " together",
              connector.dimensions().require("depth"),
              input,
              output,
              hidden,
              language.dimensions().hidden()));
    }
    return switch ((int) (input / hidden)) {
      case 1 -> List.of(1);
      case 2 -> List.of(1, 3);
      default -> List.of(1, 2, 3);
    };
  }
}
