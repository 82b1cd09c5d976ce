package dev.upcycle.arch;

import dev.upcycle.recipe.Part;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.SequencedMap;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// Reads the families' JSON resources.
final class ArchitectureReader {
  private static final String INDEX = "families.txt";

  /// For families without rotary embedding it means nothing.
  private static final double ROPE_THETA = 10_000;

  private ArchitectureReader() {}

  static List<String> index() {
    return new String(bytes(INDEX), StandardCharsets.UTF_8).lines().sorted().toList();
  }

  static ArchitectureData read(String modelType) {
    JsonNode json = JsonMapper.shared().readTree(bytes(modelType + ".json"));
    return new ArchitectureData(
        json.required("model_type").asString(),
        json.required("class").asString(),
        optional(json, "part").map(part -> Part.valueOf(upper(part))),
        optional(json, "short_name").orElse(modelType),
        optional(json, "target_name").orElse(modelType),
        json.has("alone") ? alone(json.required("alone")) : Naming.OWN,
        json.path("several_scales").asBoolean(false),
        optional(json, "level"),
        json.path("level_as_read").asBoolean(false),
        optional(json, "modeling").map(file -> modeling(file, json)),
        strings(json.required("upcycles_to")),
        json.path("rope_theta").asDouble(ROPE_THETA),
        WindowRule.valueOf(upper(optional(json, "window").orElse("never"))),
        optional(json, "renormalise_key"),
        optional(json, "sparse_layers_key"),
        (ObjectNode) json.required("defaults"),
        nestedDefaults(json),
        strings(json.required("ignored")),
        strings(json.required("superseded")),
        list(json, "foreign"),
        list(json, "own_keys"),
        list(json, "left_out"),
        rules(json.required("dimensions")),
        templates(json.required("tensors")),
        json.has("fused") ? templates(json.required("fused")) : List.of(),
        json.has("parts") ? parts(json.required("parts")) : List.of());
  }

  private static Naming alone(JsonNode row) {
    return new Naming(row.required("prefix").asString(), "", linears(row));
  }

  private static Naming.Linears linears(JsonNode row) {
    return Naming.Linears.valueOf(upper(optional(row, "linears").orElse("named")));
  }

  private static ObjectNode nestedDefaults(JsonNode json) {
    return json.get("nested_defaults") instanceof ObjectNode defaults
        ? defaults
        : JsonMapper.shared().createObjectNode();
  }

  private static byte[] bytes(String resource) {
    try (InputStream in = ArchitectureReader.class.getResourceAsStream(resource)) {
      if (in == null) {
        throw new IllegalStateException("resource dev/upcycle/arch/" + resource + " is missing");
      }
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static List<Dimensions.Rule> rules(JsonNode rows) {
    List<Dimensions.Rule> rules = new ArrayList<>();
    for (JsonNode row : rows) {
      rules.add(
          new Dimensions.Rule(
              row.required("symbol").asString(),
              optional(row, "key").orElseGet(() -> row.required("symbol").asString()),
              optional(row, "alias"),
              optional(row, "otherwise")));
    }
    return List.copyOf(rules);
  }

  private static List<TensorTemplate> templates(JsonNode rows) {
    List<TensorTemplate> templates = new ArrayList<>();
    for (JsonNode row : rows) {
      templates.add(
          new TensorTemplate(
              row.required("name").asString(),
              Role.valueOf(upper(row.required("role").asString())),
              strings(row.required("shape")),
              TensorTemplate.Presence.valueOf(upper(optional(row, "presence").orElse("required"))),
              TensorTemplate.Layers.valueOf(upper(optional(row, "layers").orElse("all"))),
              optional(row, "flag")));
    }
    return List.copyOf(templates);
  }

  private static Modeling modeling(String file, JsonNode json) {
    SequencedMap<String, String> auto = texts(json.path("auto"));
    auto.putIfAbsent("AutoModel", json.required("class").asString());
    return new Modeling(
        file, list(json, "modeling_beside"), json.required("config_class").asString(), auto);
  }

  private static SequencedMap<String, String> texts(JsonNode object) {
    SequencedMap<String, String> texts = new LinkedHashMap<>();
    object.forEachEntry((key, value) -> texts.put(key, value.asString()));
    return texts;
  }

  private static List<PartRule> parts(JsonNode rows) {
    List<PartRule> parts = new ArrayList<>();
    for (JsonNode row : rows) {
      parts.add(
          new PartRule(
              Part.valueOf(upper(row.required("part").asString())),
              row.required("config").asString(),
              row.required("prefix").asString(),
              strings(row.required("families")),
              texts(row.path("by_experts")),
              texts(row.path("stand_ins")),
              list(row, "also"),
              linears(row)));
    }
    return List.copyOf(parts);
  }

  private static List<String> list(JsonNode row, String key) {
    return row.has(key) ? strings(row.required(key)) : List.of();
  }

  private static String upper(String name) {
    return name.toUpperCase(Locale.ROOT);
  }

  private static Optional<String> optional(JsonNode row, String key) {
    return row.has(key) ? Optional.of(row.required(key).asString()) : Optional.empty();
  }

  private static List<String> strings(JsonNode array) {
    List<String> strings = new ArrayList<>();
    array.forEach(item -> strings.add(item.asString()));
    return List.copyOf(strings);
  }
}
