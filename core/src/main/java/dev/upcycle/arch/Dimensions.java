package dev.upcycle.arch;

import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.checkpoint.Shape;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/// The sizes that a config gives a model, by the symbols that templates use.
///
/// @param symbols `hidden`, `heads`, … and their positive values
public record Dimensions(Map<String, Long> symbols) {
  private static final long MOST = 1_000_000_000;
  private static final long MOST_INDICES = 100_000;

  /// Bounds far beyond any model, so that sums of bytes stay inside 64 bits and lists of names
  /// inside the heap.
  private static final double MOST_PARAMETERS = 1e15;

  private static final long MOST_TENSORS = 1_000_000;
  private static final long MOST_CACHED = 1_000_000_000;

  /// Takes a copy.
  public Dimensions {
    symbols = Map.copyOf(symbols);
  }

  /// Where a symbol's value stands in a config.
  ///
  /// @param symbol what templates call it
  /// @param key the config key, or what of the config's parts holds it, such as
  ///   `vision_config.hidden_size`; a key that holds a map means its size. The symbol itself where
  ///   no key gives it
  /// @param alias another generation's spelling of the key
  /// @param otherwise an expression over earlier symbols for an absent or null key
  record Rule(String symbol, String key, Optional<String> alias, Optional<String> otherwise) {
    OptionalLong find(ModelConfig config) {
      OptionalLong found = find(config, key);
      return found.isPresent() || alias.isEmpty() ? found : find(config, alias.get());
    }

    private static OptionalLong find(ModelConfig config, String key) {
      int dot = key.indexOf('.');
      if (dot >= 0) {
        return config
            .findNested(key.substring(0, dot))
            .map(part -> find(part, key.substring(dot + 1)))
            .orElseGet(OptionalLong::empty);
      }
      OptionalLong keys = config.findSize(key);
      return keys.isPresent() ? keys : config.findLong(key);
    }
  }

  /// The sizes of a model, the family's defaults filled in.
  ///
  /// @throws CheckpointFormatException with every complaint at once
  public static Dimensions of(Architecture architecture, ModelConfig config) {
    ModelConfig complete = architecture.complete(config);
    List<String> complaints = new ArrayList<>();
    Map<String, Long> symbols = new LinkedHashMap<>();
    for (Rule rule : architecture.dimensionRules()) {
      OptionalLong value = value(rule, complete, symbols, complaints);
      if (value.isPresent()) {
        symbols.put(rule.symbol(), value.getAsLong());
      }
    }
    complain(symbols, complaints);
    if (complaints.isEmpty()) {
      bound(architecture.templates(), symbols, complaints);
    }
    if (!complaints.isEmpty()) {
      throw new CheckpointFormatException(
          Architecture.CONFIG_FAULT,
          config.origin()
              + " of a "
              + architecture.modelType()
              + ": "
              + String.join("; ", complaints));
    }
    return new Dimensions(symbols);
  }

  private static OptionalLong value(
      Rule rule, ModelConfig config, Map<String, Long> symbols, List<String> complaints) {
    OptionalLong found;
    try {
      found = rule.find(config);
    } catch (CheckpointFormatException wrongType) {
      complaints.add(wrongType.getMessage());
      return OptionalLong.empty();
    }
    if (found.isPresent()) {
      long most = isIndex(rule.symbol()) ? MOST_INDICES : MOST;
      if (found.getAsLong() < 1 || found.getAsLong() > most) {
        complaints.add(rule.key() + " is " + found.getAsLong() + ", expected 1 to " + most);
        return OptionalLong.empty();
      }
      return found;
    }
    if (rule.otherwise().isEmpty()) {
      complaints.add(rule.key() + " is missing, expected a positive whole number");
      return OptionalLong.empty();
    }
    return otherwise(rule, rule.otherwise().get(), symbols, complaints);
  }

  private static boolean isIndex(String symbol) {
    return symbol.equals("layers") || symbol.equals("experts");
  }

  private static OptionalLong otherwise(
      Rule rule, String expression, Map<String, Long> symbols, List<String> complaints) {
    if (!Expression.symbols(expression).stream().allMatch(symbols::containsKey)) {
      return OptionalLong.empty(); // the missing symbol has its own complaint
    }
    try {
      long value = Expression.evaluate(expression, symbols);
      long least = rule.symbol().equals("layers") ? 0 : 1; // a connector may be one map
      if (value < least) {
        complaints.add(
            String.format(
                Locale.ROOT,
                "%s is %d by %s, expected %d or more",
                rule.key(),
                value,
                expression,
                least));
        return OptionalLong.empty();
      }
      return OptionalLong.of(value);
    } catch (ArithmeticException indivisible) {
      complaints.add(rule.key() + " is missing and " + indivisible.getMessage());
      return OptionalLong.empty();
    }
  }

  private static void complain(Map<String, Long> symbols, List<String> complaints) {
    Long heads = symbols.get("heads");
    Long kvHeads = symbols.get("kv_heads");
    if (heads != null && kvHeads != null && heads % kvHeads != 0) {
      complaints.add(
          String.format(
              Locale.ROOT,
              "num_attention_heads %d is not a multiple of num_key_value_heads %d",
              heads,
              kvHeads));
    }
    Long headDim = symbols.get("head_dim");
    if (headDim != null && kvHeads != null && headDim % 2 != 0) {
      complaints.add("head_dim is " + headDim + ", expected an even number (rotary pairs)");
    }
    Long experts = symbols.get("experts");
    Long perToken = symbols.get("experts_per_token");
    if (experts != null && perToken != null && perToken > experts) {
      complaints.add(
          String.format(Locale.ROOT, "num_experts_per_tok is %d of %d experts", perToken, experts));
    }
  }

  private static void bound(
      List<TensorTemplate> templates, Map<String, Long> symbols, List<String> complaints) {
    double parameters = 0;
    long tensors = 0;
    for (TensorTemplate template : templates) {
      long copies =
          (template.perLayer() ? symbols.getOrDefault("layers", 1L) : 1)
              * (template.perExpert() ? symbols.getOrDefault("experts", 1L) : 1);
      double elements = copies;
      for (String term : template.shape()) {
        elements *= Expression.evaluate(term, symbols);
      }
      parameters += elements;
      tensors += template.presence() == TensorTemplate.Presence.REQUIRED ? copies : 0;
    }
    if (parameters > MOST_PARAMETERS) {
      complaints.add(
          String.format(
              Locale.ROOT,
              "these sizes make %.1e parameters, expected at most %.0e",
              parameters,
              MOST_PARAMETERS));
    }
    if (tensors > MOST_TENSORS) {
      complaints.add("these counts make " + tensors + " tensors, expected at most " + MOST_TENSORS);
    }
    long kvHeads = symbols.getOrDefault("kv_heads", 1L);
    long headDim = symbols.getOrDefault("head_dim", 1L);
    long cached = kvHeads * headDim; // at most 10^18
    if (cached > MOST_CACHED / Math.max(1, symbols.getOrDefault("layers", 1L))) {
      complaints.add(
          "num_key_value_heads, head_dim and num_hidden_layers multiply to more than "
              + MOST_CACHED);
    }
  }

  /// The shape of these symbolic dimensions.
  public Shape shape(TensorTemplate template) {
    return new Shape(
        template.shape().stream().map(term -> Expression.evaluate(term, symbols)).toList());
  }

  /// Size of the vocabulary.
  public long vocab() {
    return require("vocab");
  }

  /// Width of the residual stream.
  public long hidden() {
    return require("hidden");
  }

  /// Width of a feed-forward network, of one expert in a Mixture-of-Experts.
  public long intermediate() {
    return require("intermediate");
  }

  /// Number of layers; 0 in a family without any, and in a connector of one linear map.
  public int layers() {
    return Math.toIntExact(symbols.getOrDefault("layers", 0L));
  }

  /// Number of query heads.
  public long heads() {
    return require("heads");
  }

  /// Number of key-value heads; as many as query heads where a family does not share them.
  public long kvHeads() {
    return symbols.containsKey("kv_heads") ? require("kv_heads") : heads();
  }

  /// Width of a head.
  public long headDim() {
    return require("head_dim");
  }

  /// Number of experts of a layer; 1 in a dense model.
  public int experts() {
    return Math.toIntExact(symbols.getOrDefault("experts", 1L));
  }

  /// Experts that one token uses; 1 in a dense model.
  public int expertsPerToken() {
    return Math.toIntExact(symbols.getOrDefault("experts_per_token", 1L));
  }

  /// Any size by its symbol, such as `positions` or `patch`.
  ///
  /// @throws IllegalStateException when the family has no such size
  public long require(String symbol) {
    Long value = symbols.get(symbol);
    if (value == null) {
      throw new IllegalStateException("the architecture has no rule for " + symbol);
    }
    return value;
  }
}
