package dev.upcycle.checkpoint;

import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SequencedMap;
import java.util.TreeSet;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// `model.safetensors.index.json` or `pytorch_model.bin.index.json`: which tensor lies in which
/// file.
///
/// A shard is judged by its name, not by where a symlink leads: the Hugging Face cache keeps links
/// to a folder of blobs.
final class ShardIndex {
  private static final int SHOWN = 5;

  private final Path path;
  private final SequencedMap<String, String> weightMap;

  private ShardIndex(Path path, SequencedMap<String, String> weightMap) {
    this.path = path;
    this.weightMap = weightMap;
  }

  /// Reads the index and requires that its shards are there.
  static ShardIndex read(Listing listing, String name) {
    Path path = listing.path(name);
    ObjectNode json = JsonFile.read(path, CheckpointFault.NO_SUCH_PATH, CheckpointFault.BAD_INDEX);
    if (!(json.get("weight_map") instanceof ObjectNode map) || map.isEmpty()) {
      throw new CheckpointFormatException(
          CheckpointFault.BAD_INDEX,
          path
              + ": has no 'weight_map', expected an object from tensor names to file names;"
              + " download it again");
    }
    SequencedMap<String, String> weightMap = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> entry : map.properties()) {
      weightMap.put(entry.getKey(), shardName(path, entry.getKey(), entry.getValue()));
    }
    ShardIndex index = new ShardIndex(path, weightMap);
    index.requireShards(listing);
    return index;
  }

  /// The shards, by name.
  List<String> files() {
    return List.copyOf(new TreeSet<>(weightMap.values()));
  }

  /// Requires that the shards hold what the index says, no more and no less.
  void requireCover(List<? extends WeightsHeader> headers) {
    Map<String, Path> found = new HashMap<>();
    for (WeightsHeader header : headers) {
      for (TensorEntry tensor : header.tensors()) {
        Path other = found.putIfAbsent(tensor.name(), tensor.file());
        if (other != null) {
          throw new CheckpointFormatException(
              CheckpointFault.TENSOR_IN_TWO_SHARDS,
              String.format(
                  Locale.ROOT,
                  "%s: tensor '%s' is in two shards, %s and %s, expected one; the files are of different downloads: download them again",
                  path,
                  tensor.name(),
                  other.getFileName(),
                  tensor.file().getFileName()));
        }
      }
    }
    requireInShards(found);
    requireInIndex(found);
  }

  private void requireInShards(Map<String, Path> found) {
    List<String> wrong = new ArrayList<>();
    weightMap.forEach((name, shard) -> {
      Path actual = found.get(name);
      if (actual == null) {
        wrong.add(String.format(Locale.ROOT, "'%s' is not in %s", name, shard));
      } else if (!actual.endsWith(shard)) {
        wrong.add(
            String.format(
                Locale.ROOT, "'%s' is not in %s but in %s", name, shard, actual.getFileName()));
      }
    });
    refuse(CheckpointFault.TENSOR_NOT_IN_SHARD, "names tensors that their shards lack", wrong);
  }

  private void requireInIndex(Map<String, Path> found) {
    List<String> wrong = new ArrayList<>();
    found.forEach((name, file) -> {
      if (!weightMap.containsKey(name)) {
        wrong.add(String.format(Locale.ROOT, "'%s' in %s", name, file.getFileName()));
      }
    });
    wrong.sort(null);
    refuse(CheckpointFault.TENSOR_NOT_IN_INDEX, "does not name tensors of its shards", wrong);
  }

  private void requireShards(Listing listing) {
    List<String> missing =
        files().stream().filter(name -> !Files.exists(listing.path(name))).toList();
    refuse(CheckpointFault.MISSING_SHARD, "names shards that are not there", missing);
  }

  private void refuse(CheckpointFault fault, String what, List<String> wrong) {
    if (wrong.isEmpty()) {
      return;
    }
    String more =
        wrong.size() > SHOWN
            ? String.format(Locale.ROOT, " and %,d more", wrong.size() - SHOWN)
            : "";
    throw new CheckpointFormatException(
        fault,
        String.format(
            Locale.ROOT,
            "%s: %s: %s%s; download the model again",
            path,
            what,
            String.join(", ", wrong.subList(0, Math.min(SHOWN, wrong.size()))),
            more));
  }

  private static String shardName(Path index, String tensor, JsonNode value) {
    if (!value.isString()) {
      throw new CheckpointFormatException(
          CheckpointFault.BAD_INDEX,
          String.format(
              Locale.ROOT,
              "%s: tensor '%s' lies in %s, expected a file name; download it again",
              index,
              tensor,
              value));
    }
    String name = value.stringValue();
    boolean plain =
        !name.isEmpty()
            && !name.equals(".")
            && !name.equals("..")
            && name.chars().noneMatch(c -> c == '/' || c == '\\' || c == ':' || c < ' ');
    if (!plain) {
      throw new CheckpointFormatException(
          CheckpointFault.SHARD_OUTSIDE_DIRECTORY,
          String.format(
              Locale.ROOT,
              "%s: tensor '%s' lies in '%s', expected the plain name of a file beside the index; do not trust this model, or correct the index",
              index,
              tensor,
              name));
    }
    return possible(index, tensor, name);
  }

  /// Half a surrogate pair, and what the locale has no bytes for, is the name of no file.
  private static String possible(Path index, String tensor, String name) {
    try {
      return Path.of(name).toString();
    } catch (InvalidPathException e) {
      throw new CheckpointFormatException(
          CheckpointFault.BAD_INDEX,
          String.format(
              Locale.ROOT,
              "%s: tensor '%s' lies in '%s', a name that no file can have here (%s); correct the index or download it again",
              index,
              tensor,
              name,
              e.getReason()),
          e);
    }
  }
}
