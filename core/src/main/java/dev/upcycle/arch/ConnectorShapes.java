package dev.upcycle.arch;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.checkpoint.Shape;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// A connector's config as its tensors' shapes say it: width, depth and biases. Between its linear
/// layers every published connector has GELU.
public final class ConnectorShapes {
  private static final Pattern WEIGHT =
      Pattern.compile("(?:.*\\.)?(?:linear_([1-9]\\d{0,2})|(0|[1-9]\\d{0,2}))\\.(weight|bias)");

  private ConnectorShapes() {}

  /// The checkpoint with the config that its shapes give; empty when it is no connector.
  public static Optional<Checkpoint> described(Checkpoint opened) {
    Map<String, Shape> shapes = new LinkedHashMap<>();
    opened.tensors().values().forEach(entry -> shapes.put(entry.name(), entry.shape()));
    return find(shapes).map(opened::with);
  }

  /// The checkpoint itself, or, where it has no config and is a connector, with that of its shapes.
  public static Checkpoint configured(Checkpoint opened) {
    return opened.findConfig().isPresent() ? opened : described(opened).orElse(opened);
  }

  /// The config; empty when the tensors are not those of linear layers that follow one another, and
  /// nothing else.
  ///
  /// @param tensors every tensor's shape by its name
  public static Optional<ModelConfig> find(Map<String, Shape> tensors) {
    NavigableMap<Integer, Shape> weights = new TreeMap<>();
    int biases = 0;
    for (Map.Entry<String, Shape> tensor : tensors.entrySet()) {
      Matcher name = WEIGHT.matcher(tensor.getKey());
      if (!name.matches()) {
        return Optional.empty();
      }
      if (name.group(3).equals("bias")) {
        biases++;
      } else if (weights.put(place(name), tensor.getValue()) != null) {
        return Optional.empty();
      }
    }
    boolean chain = chained(weights);
    return chain && (biases == 0 || biases == weights.size())
        ? Optional.of(config(weights, biases))
        : Optional.empty();
  }

  /// Which linear layer, counted from 1.
  private static int place(Matcher name) {
    return name.group(1) != null
        ? Integer.parseInt(name.group(1))
        : Integer.parseInt(name.group(2)) / 2 + 1;
  }

  private static boolean chained(NavigableMap<Integer, Shape> weights) {
    if (weights.size() < 2
        || weights.firstKey() != 1
        || weights.lastKey() != weights.size()
        || weights.values().stream().anyMatch(shape -> shape.rank() != 2)) {
      return false;
    }
    long hidden = weights.firstEntry().getValue().dimension(0);
    return weights.tailMap(2, true).values().stream()
        .allMatch(shape -> shape.dimension(0) == hidden && shape.dimension(1) == hidden);
  }

  private static ModelConfig config(NavigableMap<Integer, Shape> weights, int biases) {
    Shape first = weights.firstEntry().getValue();
    ObjectNode json = JsonMapper.shared().createObjectNode();
    json.put("model_type", "mlp");
    json.put("input_size", first.dimension(1));
    json.put("hidden_size", first.dimension(0));
    json.put("depth", weights.size());
    json.put("hidden_act", "gelu");
    json.put("bias", biases > 0);
    return ModelConfig.of(json);
  }
}
