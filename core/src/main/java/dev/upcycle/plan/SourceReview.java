package dev.upcycle.plan;

import dev.upcycle.arch.Architecture;
import dev.upcycle.arch.Composition;
import dev.upcycle.arch.ModelPart;
import dev.upcycle.arch.NormEpsilon;
import dev.upcycle.arch.Role;
import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.checkpoint.RopeSettings;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/// What in a dense model stands in the way of a target, whatever the recipe says.
///
/// @param obstacles each with the way out
/// @param provisos what the tensors' bytes would have to show, by reason
public record SourceReview(List<String> obstacles, List<String> provisos) {
  private static final Set<String> SILU = Set.of("silu", "swish");

  /// Those that image towers, text towers and connectors run here.
  private static final List<String> ACTIVATIONS =
      List.of("silu", "swish", "gelu", "gelu_new", "gelu_pytorch_tanh", "quick_gelu", "tanh");

  private static final List<String> ROPE_TYPES =
      List.of("default", "linear", "dynamic", "yarn", "longrope", "llama3");

  /// Takes copies.
  public SourceReview {
    obstacles = List.copyOf(obstacles);
    provisos = List.copyOf(provisos);
  }

  /// Reviews whether a checkpoint of a known dense family can become what recipes call by a name,
  /// from headers and config only.
  ///
  /// @param target a name of [Architecture#targetName()] that the family has
  public static SourceReview of(Checkpoint checkpoint, String target) {
    try {
      SourceTensors source = new SourceTensors.Headers(checkpoint);
      Composition composition =
          Composition.read(checkpoint.config(), checkpoint.tensors().keySet());
      return composition.whole().upcyclesTo().stream()
          .map(Architecture::require)
          .filter(whole -> whole.targetName().equals(target))
          .map(whole -> of(source, composition, whole))
          .min(Comparator.comparingInt(review -> review.obstacles().size()))
          .orElseThrow();
    } catch (CheckpointFormatException e) {
      return new SourceReview(List.of(e.getMessage()), List.of());
    }
  }

  private static SourceReview of(
      SourceTensors source, Composition composition, Architecture whole) {
    List<String> obstacles = new ArrayList<>(SingleFormCheck.objections(composition, whole));
    List<Architecture> targets = new ArrayList<>();
    boolean gains = false;
    for (ModelPart part : composition.parts()) {
      PartTarget place = new PartTarget(part, whole);
      List<Architecture> mixtures = part.family().mixtureOfExperts() ? List.of() : place.mixtures();
      gains |= !mixtures.isEmpty();
      if (part.part().isPresent() && !TargetChoice.room(part, whole)) {
        obstacles.add(
            "%s has no room for a %s".formatted(whole.targetName(), part.family().modelType()));
      }
      targets.add(mixtures.stream().findFirst().or(place::dense).orElse(part.family()));
    }
    if (!gains) {
      obstacles.add("every part that could have experts there has them already");
    }
    PartSources sources = PartSources.of(source, composition, targets);
    obstacles.addAll(sources.obstacles());
    List<String> provisos =
        sources.discarded().stream()
            .filter(one -> !one.reason().equals(SourceMatch.DERIVED))
            .map(one -> one.name() + ": " + one.reason())
            .toList();
    return new SourceReview(obstacles, provisos);
  }

  /// What in a decoder's config stands in the way.
  static List<String> ofDecoder(ModelPart part) {
    List<String> obstacles = new ArrayList<>();
    Architecture family = part.family();
    ModelConfig complete = family.complete(part.config());
    activation(complete).ifPresent(obstacles::add);
    fault(() -> NormEpsilon.of(family, complete)).ifPresent(obstacles::add);
    rope(complete, family).ifPresent(obstacles::add);
    for (String key : TargetConfig.POSITIONS) {
      if (!family.ignoredKeys().contains(key)) {
        complete
            .findLong(key)
            .ifPresent(value ->
                TargetConfig.badPositions(value)
                    .ifPresent(reason -> obstacles.add(key + " in config.json " + reason)));
      }
    }
    return List.copyOf(obstacles);
  }

  /// What in the config of a part that is no decoder stands in the way.
  static List<String> ofOther(ModelPart part) {
    List<String> obstacles = new ArrayList<>();
    activation(part).ifPresent(obstacles::add);
    if (part.family().has(Role.NORM_BIAS)) {
      fault(() -> NormEpsilon.of(part.family(), part.family().complete(part.config())))
          .ifPresent(obstacles::add);
    }
    return List.copyOf(obstacles);
  }

  /// What is wrong with something that is read; empty when nothing is.
  static Optional<String> fault(Runnable reading) {
    try {
      reading.run();
      return Optional.empty();
    } catch (CheckpointFormatException e) {
      return Optional.of(String.valueOf(e.getMessage()));
    }
  }

  /// An activation which nothing here computes.
  private static Optional<String> activation(ModelPart part) {
    return part.family()
        .complete(part.config())
        .findString("hidden_act")
        .filter(found -> !ACTIVATIONS.contains(found))
        .map(found ->
            String.format(
                Locale.ROOT,
                "%s of the %s in config.json is %s, expected one of %s",
                part.outerKey("hidden_act"),
                part.family().modelType(),
                found,
                String.join(", ", ACTIVATIONS)));
  }

  /// Every kind but `default` and `longrope` stretches by a factor that no consumer fills in.
  private static Optional<String> rope(ModelConfig config, Architecture family) {
    RopeSettings rope;
    try {
      rope = config.rope(family.defaultRopeTheta());
    } catch (CheckpointFormatException e) {
      return Optional.of(String.valueOf(e.getMessage()));
    }
    if (!ROPE_TYPES.contains(rope.type())) {
      return Optional.of(
          String.format(
              Locale.ROOT,
              "rope type in config.json is %s, expected one of %s",
              rope.type(),
              String.join(", ", ROPE_TYPES)));
    }
    boolean stretched = !rope.type().equals("default") && !rope.type().equals("longrope");
    return stretched
            && rope.scaling().filter(scaling -> scaling.path("factor").isNumber()).isEmpty()
        ? Optional.of(
            String.format(
                Locale.ROOT,
                "rope scaling %s in config.json has no factor; set it as the model was trained",
                rope.type()))
        : Optional.empty();
  }

  private static Optional<String> activation(ModelConfig config) {
    return config
        .findString("hidden_act")
        .filter(found -> !SILU.contains(found))
        .map(found ->
            String.format(
                Locale.ROOT,
                "hidden_act in config.json is %s, expected silu: Mixtral's consumers run silu"
                    + " whatever the config says",
                found));
  }
}
