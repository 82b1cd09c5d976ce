package dev.upcycle.convert;

import dev.upcycle.checkpoint.CheckpointFault;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.JsonReason;
import dev.upcycle.checkpoint.ModelConfig;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// `upcycle.json` as text, and back.
final class ManifestJson {
  private static final String SCHEMA = "upcycle/manifest/1";
  private static final JsonMapper JSON =
      JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

  private ManifestJson() {}

  static byte[] write(Manifest manifest) {
    ObjectNode json = JSON.createObjectNode();
    json.put("schema", SCHEMA);
    json.put("tool_version", manifest.toolVersion());
    json.put("recipe", manifest.recipeName());
    json.put("recipe_sha256", manifest.recipeSha256());
    json.put("seed", manifest.seed());
    json.put("source_family", manifest.sourceFamily());
    manifest.sourceConfig().ifPresent(config -> json.set("source_config", config.json()));
    json.put("target_family", manifest.targetFamily());
    putParts(manifest, json);
    ArrayNode shards = json.putArray("source_files");
    for (Manifest.SourceShard shard : manifest.sourceFiles()) {
      shards
          .addObject()
          .put("name", shard.name())
          .put("bytes", shard.bytes())
          .put("header_sha256", shard.headerSha256());
    }
    putRouterFiles(manifest, json);
    ArrayNode files = json.putArray("files");
    manifest.files().forEach(files::add);
    ArrayNode tensors = json.putArray("tensors");
    for (Manifest.TensorOrigin tensor : manifest.tensors()) {
      ObjectNode row =
          tensors
              .addObject()
              .put("name", tensor.name())
              .put("role", tensor.role())
              .put("kind", tensor.kind());
      tensor.from().ifPresent(from -> row.put("from", from));
    }
    ArrayNode discarded = json.putArray("discarded");
    for (Manifest.LeftOut one : manifest.discarded()) {
      discarded.addObject().put("name", one.name()).put("reason", one.reason());
    }
    manifest
        .frozen()
        .ifPresent(names -> {
          ArrayNode frozen = json.putArray("frozen");
          names.stream().sorted().forEach(frozen::add);
        });
    return (JSON.writeValueAsString(json).replace("\r\n", "\n") + "\n")
        .getBytes(StandardCharsets.UTF_8);
  }

  private static void putParts(Manifest manifest, ObjectNode json) {
    if (!manifest.sourceParts().isEmpty()) {
      ArrayNode parts = json.putArray("source_parts");
      for (Manifest.SourcePart part : manifest.sourceParts()) {
        parts.addObject().put("part", part.part()).put("family", part.family());
      }
    }
  }

  private static void putRouterFiles(Manifest manifest, ObjectNode json) {
    if (!manifest.routerFiles().isEmpty()) {
      ArrayNode routers = json.putArray("router_files");
      for (Manifest.RouterSource file : manifest.routerFiles()) {
        routers
            .addObject()
            .put("name", file.name())
            .put("bytes", file.bytes())
            .put("sha256", file.sha256());
      }
    }
  }

  static Manifest read(Path file) {
    JsonNode json;
    try {
      json = JSON.readTree(Files.readAllBytes(file));
    } catch (NoSuchFileException e) {
      throw new CheckpointFormatException(
          CheckpointFault.UNREADABLE,
          String.format(
              Locale.ROOT,
              "%s: there is no such file, which says what went into a conversion; convert writes it"
                  + " beside its result, and train beside a model with experts: give one of those",
              file),
          e);
    } catch (IOException e) {
      throw new CheckpointFormatException(
          CheckpointFault.UNREADABLE,
          String.format(
              Locale.ROOT,
              "cannot read %s: %s; expected the manifest that convert writes",
              file,
              e),
          e);
    } catch (JacksonException e) {
      throw malformed(file, JsonReason.of(e));
    }
    return new Reader(file, json).manifest();
  }

  private static CheckpointFormatException malformed(Path file, String why) {
    return new CheckpointFormatException(
        CheckpointFault.BAD_CONFIG,
        String.format(
            Locale.ROOT,
            "%s is not a manifest of schema %s: %s; convert again",
            file,
            SCHEMA,
            why));
  }

  /// Reads one file's tree.
  private record Reader(Path file, JsonNode json) {
    Manifest manifest() {
      if (!text(json, "schema").equals(SCHEMA)) {
        throw malformed(file, "schema is " + text(json, "schema"));
      }
      return new Manifest(
          text(json, "tool_version"),
          text(json, "recipe"),
          text(json, "recipe_sha256"),
          number(json, "seed"),
          text(json, "source_family"),
          sourceConfig(),
          text(json, "target_family"),
          json.has("source_parts")
              ? rows(
                  "source_parts",
                  row -> new Manifest.SourcePart(text(row, "part"), text(row, "family")))
              : List.of(),
          rows(
              "source_files",
              row ->
                  new Manifest.SourceShard(
                      text(row, "name"), number(row, "bytes"), text(row, "header_sha256"))),
          json.has("router_files")
              ? rows(
                  "router_files",
                  row ->
                      new Manifest.RouterSource(
                          text(row, "name"), number(row, "bytes"), text(row, "sha256")))
              : List.of(),
          rows("files", this::text),
          rows("tensors", this::tensor),
          rows("discarded", row -> new Manifest.LeftOut(text(row, "name"), text(row, "reason"))),
          json.has("frozen")
              ? Optional.of(Set.copyOf(rows("frozen", this::text)))
              : Optional.empty());
    }

    private Optional<ModelConfig> sourceConfig() {
      if (!json.has("source_config")) {
        return Optional.empty();
      }
      if (json.path("source_config") instanceof ObjectNode config) {
        return Optional.of(ModelConfig.of(config));
      }
      throw malformed(file, "source_config is not an object");
    }

    private Manifest.TensorOrigin tensor(JsonNode row) {
      Optional<String> from = row.has("from") ? Optional.of(text(row, "from")) : Optional.empty();
      return new Manifest.TensorOrigin(
          text(row, "name"), text(row, "role"), text(row, "kind"), from);
    }

    private <T> List<T> rows(String key, Function<JsonNode, T> row) {
      JsonNode array = json.path(key);
      if (!array.isArray()) {
        throw malformed(file, key + " is not a list");
      }
      List<T> rows = new ArrayList<>();
      array.forEach(item -> rows.add(row.apply(item)));
      return rows;
    }

    private String text(JsonNode row, String key) {
      if (!row.path(key).isString()) {
        throw malformed(file, key + " is not text");
      }
      return text(row.path(key));
    }

    private String text(JsonNode value) {
      if (!value.isString()) {
        throw malformed(file, value + " is not text");
      }
      return value.stringValue();
    }

    private long number(JsonNode row, String key) {
      if (!row.path(key).isIntegralNumber() || !row.path(key).canConvertToLong()) {
        throw malformed(file, key + " is not a whole number");
      }
      return row.path(key).longValue();
    }
  }
}
