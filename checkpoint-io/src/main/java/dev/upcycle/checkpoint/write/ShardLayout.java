package dev.upcycle.checkpoint.write;

import dev.upcycle.checkpoint.TensorSpec;
import dev.upcycle.checkpoint.safetensors.SafetensorsHeader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/// How tensors fall into files: pure, computed before a byte is written.
///
/// The split is that of transformers (`huggingface_hub`, `serialization/_base.py`): walk in order,
/// start a new shard when the next tensor would pass the limit; a tensor larger than the limit gets
/// a shard of its own, while the shard in work goes on after it. Within a shard the order is the
/// canonical one of the safetensors crate.
///
/// @param shards the files, in order
public record ShardLayout(List<Shard> shards) {
  /// The file that says which shard holds a tensor; there only when there is more than one shard.
  public static final String INDEX_FILE_NAME = "model.safetensors.index.json";

  /// Takes a copy.
  public ShardLayout {
    shards = List.copyOf(shards);
  }

  /// Lays the tensors out.
  ///
  /// @param tensors in the order in which they should fall into shards
  /// @param maxShardBytes limit of the tensor bytes of one shard
  /// @throws IllegalArgumentException when there is no tensor, a name comes twice or the limit is
  ///   not positive
  public static ShardLayout of(List<TensorSpec> tensors, long maxShardBytes) {
    requireDistinct(tensors);
    if (maxShardBytes <= 0) {
      throw new IllegalArgumentException("shard limit of " + maxShardBytes + " bytes");
    }
    List<List<TensorSpec>> groups = split(tensors, maxShardBytes);
    List<Shard> shards = new ArrayList<>(groups.size());
    for (List<TensorSpec> group : groups) {
      shards.add(shard(fileName(shards.size() + 1, groups.size()), group));
    }
    return new ShardLayout(shards);
  }

  private static void requireDistinct(List<TensorSpec> tensors) {
    if (tensors.isEmpty()) {
      throw new IllegalArgumentException("no tensor to lay out");
    }
    Set<String> seen = new HashSet<>();
    List<String> twice =
        tensors.stream().map(TensorSpec::name).filter(name -> !seen.add(name)).toList();
    if (!twice.isEmpty()) {
      throw new IllegalArgumentException("tensor names that come twice: " + twice);
    }
  }

  private static List<List<TensorSpec>> split(List<TensorSpec> tensors, long maxShardBytes) {
    List<List<TensorSpec>> groups = new ArrayList<>();
    List<TensorSpec> current = new ArrayList<>();
    long currentBytes = 0;
    for (TensorSpec tensor : tensors) {
      long bytes = tensor.bytes();
      if (bytes > maxShardBytes) {
        groups.add(List.of(tensor));
        continue;
      }
      if (bytes > maxShardBytes - currentBytes) {
        groups.add(current);
        current = new ArrayList<>();
        currentBytes = 0;
      }
      current.add(tensor);
      currentBytes += bytes;
    }
    if (!current.isEmpty()) {
      groups.add(current);
    }
    return groups;
  }

  private static String fileName(int position, int count) {
    return count == 1
        ? "model.safetensors"
        : String.format(Locale.ROOT, "model-%05d-of-%05d.safetensors", position, count);
  }

  private static Shard shard(String fileName, List<TensorSpec> tensors) {
    List<TensorSpec> ordered = SafetensorsHeader.canonicalOrder(tensors);
    long offset = header(ordered).length;
    List<Placement> placements = new ArrayList<>(ordered.size());
    for (TensorSpec tensor : ordered) {
      placements.add(new Placement(tensor, offset));
      offset = Math.addExact(offset, tensor.bytes());
    }
    return new Shard(fileName, placements);
  }

  private static byte[] header(List<TensorSpec> ordered) {
    return SafetensorsHeader.encode(ordered);
  }

  /// Bytes of all files together, headers included.
  public long fileBytes() {
    return shards.stream().mapToLong(Shard::bytes).reduce(0, Math::addExact);
  }

  /// Bytes of all tensors together, headers left out: the index's `total_size`.
  public long tensorBytes() {
    return shards.stream()
        .flatMap(shard -> shard.tensors().stream())
        .mapToLong(placement -> placement.tensor().bytes())
        .reduce(0, Math::addExact);
  }

  /// Elements of all tensors together: the index's `total_parameters`.
  public long parameters() {
    return shards.stream()
        .flatMap(shard -> shard.tensors().stream())
        .mapToLong(placement -> placement.tensor().shape().elements())
        .reduce(0, Math::addExact);
  }

  /// The bytes of `model.safetensors.index.json` as transformers writes them (`json.dumps` with
  /// `indent=2, sort_keys=True` and a newline); empty when one file holds all.
  public Optional<byte[]> index() {
    if (shards.size() == 1) {
      return Optional.empty();
    }
    Map<String, String> fileOf = new TreeMap<>(ShardLayout::compareCodePoints);
    for (Shard shard : shards) {
      shard.tensors().forEach(at -> fileOf.put(at.tensor().name(), shard.fileName()));
    }
    StringBuilder json = new StringBuilder("{\n  \"metadata\": {\n    \"total_parameters\": ");
    json.append(parameters()).append(",\n    \"total_size\": ").append(tensorBytes());
    json.append("\n  },\n  \"weight_map\": {\n");
    String separator = "";
    for (Map.Entry<String, String> entry : fileOf.entrySet()) {
      json.append(separator).append("    \"");
      appendEscaped(json, entry.getKey());
      json.append("\": \"").append(entry.getValue()).append('"');
      separator = ",\n";
    }
    json.append("\n  }\n}\n");
    return Optional.of(json.toString().getBytes(StandardCharsets.US_ASCII));
  }

  private static int compareCodePoints(String left, String right) {
    return Arrays.compare(left.codePoints().toArray(), right.codePoints().toArray());
  }

  private static void appendEscaped(StringBuilder json, String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '"' -> json.append("\\\"");
        case '\\' -> json.append("\\\\");
        case '\n' -> json.append("\\n");
        case '\r' -> json.append("\\r");
        case '\t' -> json.append("\\t");
        case '\b' -> json.append("\\b");
        case '\f' -> json.append("\\f");
        default -> {
          if (c < 0x20 || c > 0x7e) {
            json.append(String.format(Locale.ROOT, "\\u%04x", (int) c));
          } else {
            json.append(c);
          }
        }
      }
    }
  }

  /// One file.
  ///
  /// @param fileName `model.safetensors`, or `model-00001-of-00003.safetensors`
  /// @param tensors in data order
  public record Shard(String fileName, List<Placement> tensors) {
    /// Takes a copy.
    public Shard {
      tensors = List.copyOf(tensors);
    }

    /// The bytes before the data, length field included.
    public byte[] header() {
      return ShardLayout.header(tensors.stream().map(Placement::tensor).toList());
    }

    /// Size of the finished file.
    public long bytes() {
      Placement last = tensors.getLast();
      return Math.addExact(last.offset(), last.tensor().bytes());
    }
  }

  /// Where a tensor lies in its file.
  ///
  /// @param tensor name, dtype, shape
  /// @param offset from the start of the file
  public record Placement(TensorSpec tensor, long offset) {}
}
