package dev.upcycle.checkpoint.write;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// A directory that this tool finished and that holds nothing else, so that it may be replaced.
///
/// @param directory where it is
/// @param files the files in it that its manifest lists, the manifest last
record FinishedOutput(Path directory, List<String> files) {
  /// The manifest, which lists the files of a finished directory under `files`.
  static final String MANIFEST = "upcycle.json";

  private static final String SCHEMA = "upcycle/manifest/1";
  private static final JsonMapper JSON = JsonMapper.builder().build();

  /// Takes a copy.
  FinishedOutput {
    files = List.copyOf(files);
  }

  /// The finished output in this directory.
  ///
  /// @throws OutputException when its manifest is missing or strange, or names what is not listed
  static FinishedOutput require(Path directory) throws IOException {
    Set<String> listed = listed(directory);
    List<String> files = new ArrayList<>();
    List<String> strangers = new ArrayList<>();
    for (String name : OutputPaths.names(directory)) {
      boolean plain = !Files.isDirectory(directory.resolve(name), LinkOption.NOFOLLOW_LINKS);
      if (!plain || !(listed.contains(name) || name.equals(MANIFEST))) {
        strangers.add(name);
      } else if (!name.equals(MANIFEST)) {
        files.add(name);
      }
    }
    if (!strangers.isEmpty()) {
      throw new OutputException(
          String.format(
              Locale.ROOT,
              "%s holds what its manifest %s does not list: %s; move it away, or name another --out",
              directory,
              MANIFEST,
              String.join(", ", strangers)));
    }
    files.add(MANIFEST);
    return new FinishedOutput(directory, files);
  }

  private static Set<String> listed(Path directory) throws IOException {
    Path manifest = directory.resolve(MANIFEST);
    if (!Files.isRegularFile(manifest, LinkOption.NOFOLLOW_LINKS)) {
      throw new OutputException(
          String.format(
              Locale.ROOT,
              "%s is not empty and has no manifest %s, so it was not written by this tool and --overwrite leaves it alone; name another --out",
              directory,
              MANIFEST));
    }
    JsonNode json;
    try {
      json = JSON.readTree(Files.readAllBytes(manifest));
    } catch (JacksonException e) {
      throw new OutputException(
          manifest + " is not JSON, so --overwrite leaves its directory alone", e);
    }
    if (!json.path("schema").asString("").equals(SCHEMA) || !json.path("files").isArray()) {
      throw new OutputException(
          String.format(
              Locale.ROOT,
              "%s is not a manifest: expected \"schema\": \"%s\" and a list \"files\"; --overwrite leaves its directory alone",
              manifest,
              SCHEMA));
    }
    Set<String> names = new TreeSet<>();
    for (JsonNode file : json.path("files")) {
      names.add(requirePlain(manifest, file));
    }
    return names;
  }

  private static String requirePlain(Path manifest, JsonNode file) {
    if (!file.isString() || !isPlain(file.asString())) {
      throw new OutputException(
          String.format(
              Locale.ROOT,
              "%s lists %s, which is not the name of a file beside it; --overwrite leaves its directory alone",
              manifest,
              file));
    }
    return file.asString();
  }

  /// True for a name that stays in its directory.
  static boolean isPlain(String name) {
    return !name.isEmpty()
        && !name.equals(".")
        && !name.equals("..")
        && name.chars().noneMatch(c -> c == '/' || c == '\\' || c == 0);
  }

  /// Deletes the listed files, the manifest last, and the directory, which must then be empty.
  void delete() throws IOException {
    for (String file : files) {
      Files.deleteIfExists(directory.resolve(file));
    }
    Files.delete(directory);
  }
}
