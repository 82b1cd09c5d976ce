package dev.upcycle.calibrate;

import dev.upcycle.checkpoint.JsonReason;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.dataformat.yaml.YAMLFactory;
import tools.jackson.dataformat.yaml.YAMLMapper;
import tools.jackson.dataformat.yaml.YAMLSchema;

/// Reads the texts of experts from a YAML or JSON file, in one of two forms.
///
/// A mapping from an expert's name to a list of texts, in the order of the experts; or a
/// mergekit-moe configuration, of whose experts `positive_prompts` and `negative_prompts` are read.
public final class PromptFile {
  private static final String POSITIVE = "positive_prompts";
  private static final String NEGATIVE = "negative_prompts";
  private static final long MOST_BYTES = 64L << 20;

  /// What mergekit-moe's configuration says of an expert, and nothing here depends on.
  private static final Set<String> OF_NO_ACCOUNT =
      Set.of("source_model", "noise_scale", "residual_scale");

  private static final YAMLMapper YAML =
      YAMLMapper.builder(
              YAMLFactory.builder()
                  .yamlSchema(YAMLSchema.CORE)
                  .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                  .build())
          .build();

  private final Path file;

  private PromptFile(Path file) {
    this.file = file;
  }

  /// The experts' texts, in the order of the file.
  ///
  /// @throws CalibrationException naming what is wrong and where
  public static List<ExpertPrompts> read(Path file) {
    PromptFile reader = new PromptFile(file);
    try {
      if (Files.size(file) > MOST_BYTES) {
        throw reader.fault("is larger than " + MOST_BYTES + " bytes; give long texts by --text");
      }
      return reader.experts(YAML.readTree(Files.readAllBytes(file)));
    } catch (IOException e) {
      throw new CalibrationException(file + ": cannot be read: " + e, e);
    } catch (JacksonException e) {
      throw new CalibrationException(file + ": neither YAML nor JSON: " + JsonReason.of(e), e);
    }
  }

  private List<ExpertPrompts> experts(JsonNode root) {
    if (!root.isObject() || root.isEmpty()) {
      throw fault(
          "expected a mapping from an expert's name to its texts, or mergekit-moe's experts");
    }
    List<ExpertPrompts> experts = new ArrayList<>();
    if (root.path("experts").isArray()) {
      for (JsonNode expert : root.path("experts")) {
        experts.add(ofMergekit("expert " + experts.size(), expert));
      }
    } else {
      root.forEachEntry((name, texts) ->
          experts.add(new ExpertPrompts(where(name), texts(name, texts), List.of())));
    }
    return experts;
  }

  private ExpertPrompts ofMergekit(String name, JsonNode expert) {
    if (!expert.isObject() || !expert.has(POSITIVE)) {
      throw fault(name + ": expected a mapping with " + POSITIVE);
    }
    Set<String> unknown = new TreeSet<>(expert.propertyNames());
    unknown.removeAll(OF_NO_ACCOUNT);
    unknown.removeAll(Set.of(POSITIVE, NEGATIVE));
    if (!unknown.isEmpty()) {
      throw fault(
          name
              + ": unknown key "
              + String.join(", ", unknown)
              + "; known: "
              + POSITIVE
              + ", "
              + NEGATIVE);
    }
    return new ExpertPrompts(
        where(name),
        texts(name + "." + POSITIVE, expert.path(POSITIVE)),
        expert.has(NEGATIVE) ? texts(name + "." + NEGATIVE, expert.path(NEGATIVE)) : List.of());
  }

  private List<String> texts(String where, JsonNode list) {
    if (!list.isArray()) {
      throw fault(where + ": expected a list of texts, found " + list.getNodeType());
    }
    List<String> texts = new ArrayList<>();
    for (JsonNode text : list) {
      if (!text.isString() || text.stringValue().isBlank()) {
        throw fault(where + "[" + texts.size() + "]: expected a text, found " + text);
      }
      texts.add(text.stringValue());
    }
    return texts;
  }

  private String where(String name) {
    return file.getFileName() + ", " + name;
  }

  private CalibrationException fault(String what) {
    return new CalibrationException(file + ": " + what);
  }
}
