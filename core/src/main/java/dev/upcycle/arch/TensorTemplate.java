package dev.upcycle.arch;

import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// One line of an architecture: a name pattern, what the tensor does and how large it is.
///
/// @param pattern a Hugging Face name with `[layer]` and `[expert]` for indices, such as
///   `model.layers.[layer].mlp.gate_proj.weight`; `[layer+2]` counts from 2 instead of 0
/// @param role what it does
/// @param shape symbolic dimensions, such as `intermediate`, `heads*head_dim`
/// @param presence when the tensor is there
/// @param layers which layers have it
/// @param flag the config key that, when true, says that an optional tensor is there
public record TensorTemplate(
    String pattern,
    Role role,
    List<String> shape,
    Presence presence,
    Layers layers,
    Optional<String> flag) {
  private static final Pattern LAYER = Pattern.compile("\\[layer(?:\\+(\\d+))?]");

  /// Stands for the index of an expert in a pattern.
  public static final String EXPERT = "[expert]";

  /// Takes a copy.
  public TensorTemplate {
    shape = List.copyOf(shape);
  }

  /// When a tensor of the template is expected.
  public enum Presence {
    /// Always.
    REQUIRED,
    /// Unless the config ties it to the embedding.
    UNLESS_TIED,
    /// When the config says so (`attention_bias`, `mlp_bias`), or when it lies there.
    OPTIONAL,
    /// Never expected; old checkpoints hold it though every consumer derives it.
    DERIVED
  }

  /// Which layers of a Mixture-of-Experts have the tensor.
  public enum Layers {
    /// All of them.
    ALL,
    /// Those that have experts.
    SPARSE,
    /// Those that have a dense feed-forward network.
    DENSE
  }

  private static int firstNumber(MatchResult layer) {
    return layer.group(1) == null ? 0 : Integer.parseInt(layer.group(1));
  }

  /// Where a segment of a pattern says the index of a layer.
  ///
  /// @param before what stands before the index in the segment
  /// @param first the number of the first layer
  record LayerPlace(String before, int first) {
    /// The place, if the segment has one; it ends the segment.
    static Optional<LayerPlace> of(String segment) {
      Matcher matcher = LAYER.matcher(segment);
      return matcher.find()
          ? Optional.of(new LayerPlace(segment.substring(0, matcher.start()), firstNumber(matcher)))
          : Optional.empty();
    }
  }

  /// True when there is one such tensor per layer.
  public boolean perLayer() {
    return LAYER.matcher(pattern).find();
  }

  /// True when there is one such tensor per expert of a layer.
  public boolean perExpert() {
    return pattern.contains(EXPERT);
  }

  /// The tensor's name at these indices.
  ///
  /// @throws IllegalArgumentException when an index that the pattern asks for is missing, or one is
  ///   given that it does not ask for
  public String name(OptionalInt layer, OptionalInt expert) {
    if (layer.isPresent() != perLayer() || expert.isPresent() != perExpert()) {
      throw new IllegalArgumentException(
          pattern + " takes other indices than layer " + layer + ", expert " + expert);
    }
    String name = pattern;
    if (layer.isPresent()) {
      Matcher place = LAYER.matcher(name);
      name = place.replaceAll(found -> Integer.toString(layer.getAsInt() + firstNumber(found)));
    }
    if (expert.isPresent()) {
      name = name.replace(EXPERT, Integer.toString(expert.getAsInt()));
    }
    return name;
  }
}
