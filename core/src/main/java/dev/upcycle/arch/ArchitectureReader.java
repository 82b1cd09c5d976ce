package dev.upcycle.arch;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// Reads the families' JSON resources.
final class ArchitectureReader {
  private static final String INDEX = "families.txt";

  private ArchitectureReader() {}

  static List<String> index() {
    return new String(bytes(INDEX), StandardCharsets.UTF_8).lines().sorted().toList();
  }

  static ArchitectureData read(String modelType) {
    JsonNode json = JsonMapper.shared().readTree(bytes(modelType + ".json"));
    return new ArchitectureData(
        json.required("model_type").asString(),
        json.required("class").asString(),
        strings(json.required("upcycles_to")),
        json.required("rope_theta").asDouble(),
        WindowRule.valueOf(upper(json.required("window").asString())),
        optional(json, "renormalise_key"),
        (ObjectNode) json.required("defaults"),
        strings(json.required("ignored")),
        strings(json.required("superseded")),
        rules(json.required("dimensions")),
        templates(json.required("tensors")),
        json.has("fused") ? templates(json.required("fused")) : List.of());
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
              row.required("key").asString(),
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
