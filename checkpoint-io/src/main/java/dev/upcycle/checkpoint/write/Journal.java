package dev.upcycle.checkpoint.write;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// What a run had to start from and which shards are safely on the disk.
///
/// @param process the process that wrote it last
/// @param replaces true when the run was allowed to replace an OUT of ours
/// @param facts what must agree before the shards are kept
/// @param sealed finished shards by file name, with their sizes
record Journal(
    long process,
    boolean replaces,
    SortedMap<String, String> facts,
    SortedMap<String, Long> sealed) {
  static final String FILE_NAME = "journal.json";
  private static final String SCHEMA = "upcycle/journal/1";
  private static final JsonMapper JSON = JsonMapper.builder().build();

  /// Takes copies.
  Journal {
    facts = Collections.unmodifiableSortedMap(new TreeMap<>(facts));
    sealed = Collections.unmodifiableSortedMap(new TreeMap<>(sealed));
  }

  /// The journal of a run of this process that begins.
  static Journal begin(boolean replaces, Map<String, String> facts) {
    return new Journal(
        ProcessHandle.current().pid(), replaces, new TreeMap<>(facts), new TreeMap<>());
  }

  /// Reads a journal; empty when there is none or it is none of ours.
  static Optional<Journal> find(Path file) {
    if (!Files.isRegularFile(file)) {
      return Optional.empty();
    }
    try {
      JsonNode json = JSON.readTree(Files.readAllBytes(file));
      if (!json.path("schema").asString("").equals(SCHEMA)) {
        return Optional.empty();
      }
      SortedMap<String, String> facts = new TreeMap<>();
      json.path("facts").forEachEntry((name, value) -> facts.put(name, value.asString("")));
      SortedMap<String, Long> sealed = new TreeMap<>();
      json.path("sealed").forEachEntry((name, value) -> sealed.put(name, value.asLong(-1)));
      return Optional.of(
          new Journal(
              json.path("process").asLong(0),
              json.path("replaces").asBoolean(false),
              facts,
              sealed));
    } catch (IOException | JacksonException e) {
      return Optional.empty();
    }
  }

  /// This journal with one more finished shard.
  Journal with(String shard, long bytes) {
    SortedMap<String, Long> more = new TreeMap<>(sealed);
    more.put(shard, bytes);
    return new Journal(process, replaces, facts, more);
  }

  /// This journal with no other finished shards than these.
  Journal keeping(Set<String> shards) {
    SortedMap<String, Long> fewer = new TreeMap<>(sealed);
    fewer.keySet().retainAll(shards);
    return new Journal(process, replaces, facts, fewer);
  }

  /// This journal in the hands of this process.
  Journal takenOver() {
    return new Journal(ProcessHandle.current().pid(), replaces, facts, sealed);
  }

  /// Each fact that is not the same here and there, told with both values.
  List<String> differences(Map<String, String> now) {
    List<String> differences = new ArrayList<>();
    TreeSet<String> names = new TreeSet<>(facts.keySet());
    names.addAll(now.keySet());
    for (String name : names) {
      String before = facts.getOrDefault(name, "absent");
      String after = now.getOrDefault(name, "absent");
      if (!Objects.equals(before, after)) {
        differences.add(String.format(Locale.ROOT, "%s: was %s, is %s", name, before, after));
      }
    }
    return differences;
  }

  /// Writes it in one step.
  void write(Path file) throws IOException {
    ObjectNode json = JSON.createObjectNode();
    json.put("schema", SCHEMA).put("process", process).put("replaces", replaces);
    facts.forEach(json.putObject("facts")::put);
    ObjectNode sizes = json.putObject("sealed");
    sealed.forEach((name, bytes) -> sizes.put(name, bytes.longValue()));
    Durability.replace(file, JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(json));
  }
}
