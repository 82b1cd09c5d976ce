package dev.upcycle.arch;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.checkpoint.Shape;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
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
      Pattern.compile(
          "(?:(?:(?:.*\\.)?(?:linear_([1-9]\\d{0,2})|(0|[1-9]\\d{0,2}))"
              + "|(?:model\\.)?mm_projector)\\.)?(weight|bias)");

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
    return Chain.of(tensors)
        .filter(chain -> chain.objection().isEmpty())
        .map(chain -> config(chain.weights(), chain.biases().size()));
  }

  /// What is wrong with a connector, by its tensors' names; empty when it is whole, and when it is
  /// none.
  public static Optional<String> objection(Checkpoint opened) {
    Map<String, Shape> shapes = new LinkedHashMap<>();
    opened.tensors().values().forEach(entry -> shapes.put(entry.name(), entry.shape()));
    return Chain.of(shapes).flatMap(Chain::objection);
  }

  /// Tensors that have the names of linear layers.
  ///
  /// @param weights by their places, counted from 1
  /// @param biases likewise
  /// @param names of the weights
  private record Chain(
      NavigableMap<Integer, Shape> weights,
      NavigableMap<Integer, Shape> biases,
      Map<Integer, String> names) {
    /// Empty when a tensor has another name, or two have one place.
    static Optional<Chain> of(Map<String, Shape> tensors) {
      Chain chain = new Chain(new TreeMap<>(), new TreeMap<>(), new HashMap<>());
      for (Map.Entry<String, Shape> tensor : tensors.entrySet()) {
        Matcher name = WEIGHT.matcher(tensor.getKey());
        if (!name.matches()) {
          return Optional.empty();
        }
        boolean bias = name.group(3).equals("bias");
        if ((bias ? chain.biases : chain.weights).put(place(name), tensor.getValue()) != null) {
          return Optional.empty();
        }
        if (!bias) {
          chain.names.put(place(name), tensor.getKey());
        }
      }
      return chain.weights.isEmpty() ? Optional.empty() : Optional.of(chain);
    }

    Optional<String> objection() {
      for (int place = 1; place <= weights.lastKey(); place++) {
        if (!weights.containsKey(place)) {
          return Optional.of(
              "the weight of its linear layer %d is missing, though it has that of layer %d (%s)"
                  .formatted(place, weights.lastKey(), names.get(weights.lastKey())));
        }
      }
      long hidden = weights.firstEntry().getValue().dimension(0);
      for (Map.Entry<Integer, Shape> layer : weights.entrySet()) {
        Shape shape = layer.getValue();
        String expected = "[%d, %s]".formatted(hidden, layer.getKey() == 1 ? "any" : hidden);
        if (shape.rank() != 2
            || shape.dimension(0) != hidden
            || (layer.getKey() > 1 && shape.dimension(1) != hidden)) {
          return Optional.of(
              "%s has the shape %s, expected %s after the layer before it"
                  .formatted(names.get(layer.getKey()), shape, expected));
        }
      }
      return biased(hidden);
    }

    private Optional<String> biased(long hidden) {
      if (biases.isEmpty()) {
        return Optional.empty();
      }
      for (int place : weights.keySet()) {
        String name = String.valueOf(names.get(place)).replaceFirst("weight$", "bias");
        Shape shape = biases.get(place);
        if (shape == null) {
          return Optional.of(name + " is missing, though other layers have a bias");
        }
        if (!shape.dimensions().equals(List.of(hidden))) {
          return Optional.of("%s has the shape %s, expected [%d]".formatted(name, shape, hidden));
        }
      }
      return biases.keySet().stream()
          .filter(place -> !weights.containsKey(place))
          .map("there is a bias of a linear layer %d and no weight"::formatted)
          .findFirst();
    }
  }

  /// Which linear layer, counted from 1.
  private static int place(Matcher name) {
    if (name.group(1) != null) {
      return Integer.parseInt(name.group(1));
    }
    return name.group(2) == null ? 1 : Integer.parseInt(name.group(2)) / 2 + 1;
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
