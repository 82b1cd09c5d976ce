package dev.upcycle.arch;

import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.recipe.Part;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import tools.jackson.databind.node.ObjectNode;

/// The parts that a model consists of: one for a model of one family, more where an image tower, a
/// connector, a text tower or a decoder stand side by side.
///
/// @param whole the family of the whole
/// @param parts in state dict order; what stands beside the parts comes first
public record Composition(Architecture whole, List<ModelPart> parts) {
  /// What stands before a connector's names in the files that LLaVA, CuMo and Hugging Face write.
  private static final List<String> CONNECTORS =
      List.of("model.mm_projector.", "mm_projector.", "multi_modal_projector.");

  /// Takes a copy.
  public Composition {
    parts = List.copyOf(parts);
  }

  /// The parts of a dense model, in whichever dialect it was written.
  ///
  /// @param names of all its tensors
  /// @throws CheckpointFormatException when the config names a family that is not known
  public static Composition read(ModelConfig config, Set<String> names) {
    return of(config, names, Dialect.AS_READ);
  }

  /// The parts of a target: only the dialect that every consumer loads.
  ///
  /// @param names of all its tensors; of those that a model may hold or not, it has these
  /// @throws CheckpointFormatException when the config names a family that is not known
  public static Composition written(ModelConfig config, Set<String> names) {
    return of(config, names, Dialect.AS_WRITTEN);
  }

  private enum Dialect {
    AS_READ,
    AS_WRITTEN
  }

  private static Composition of(ModelConfig config, Set<String> names, Dialect dialect) {
    Architecture whole = Architecture.require(config.modelType());
    List<ModelPart> parts = new ArrayList<>();
    parts.add(new ModelPart(whole.part(), whole, config, alone(whole, names, dialect), names));
    for (PartRule rule : whole.parts()) {
      ModelConfig own = config(rule, config, whole);
      Architecture family = family(rule, own);
      parts.add(
          new ModelPart(
              Optional.of(rule.part()),
              family,
              own,
              naming(rule, new Member(family, own), names, dialect),
              names));
    }
    return new Composition(whole, parts);
  }

  private static Naming alone(Architecture whole, Set<String> names, Dialect dialect) {
    boolean told = dialect == Dialect.AS_WRITTEN || names.isEmpty();
    return told && !whole.alone().equals(Naming.OWN)
        ? whole.alone()
        : naming("", whole, names, dialect);
  }

  /// A part's family and config.
  private record Member(Architecture family, ModelConfig config) {
    /// What is written for a rule: of linear layers with numbers the one that has none.
    Naming.Linears linears(PartRule rule) {
      return rule.linears() == Naming.Linears.NUMBERED && ConnectorConfig.unnumbered(config)
          ? Naming.Linears.UNNUMBERED
          : rule.linears();
    }
  }

  private static Naming naming(PartRule rule, Member part, Set<String> names, Dialect dialect) {
    if (dialect == Dialect.AS_WRITTEN) {
      Naming naming = naming(rule.prefix(), part.family(), names, dialect);
      return new Naming(naming.prefix(), naming.absent(), part.linears(rule));
    }
    String prefix =
        rule.also().stream()
            .filter(candidate -> any(names, candidate))
            .findFirst()
            .orElse(rule.prefix());
    Naming naming = naming(prefix, part.family(), names, dialect);
    return names.isEmpty()
        ? new Naming(naming.prefix(), naming.absent(), part.linears(rule))
        : naming;
  }

  private static Naming naming(
      String prefix, Architecture family, Set<String> names, Dialect dialect) {
    boolean mayLack = dialect == Dialect.AS_READ || family.levelAsRead();
    String absent =
        family
            .level()
            .filter(level -> mayLack && !names.isEmpty())
            .filter(level -> !any(names, prefix + level))
            .orElse("");
    if (dialect == Dialect.AS_WRITTEN || !family.part().equals(Optional.of(Part.CONNECTOR))) {
      return new Naming(prefix, absent, Naming.Linears.NAMED);
    }
    String found =
        CONNECTORS.stream().filter(candidate -> any(names, candidate)).findFirst().orElse(prefix);
    return new Naming(found, absent, linears(found, names));
  }

  private static Naming.Linears linears(String prefix, Set<String> names) {
    if (names.contains(prefix + "weight")) {
      return Naming.Linears.UNNUMBERED;
    }
    return any(names, prefix + "0.") || any(names, prefix + "experts.0.0.")
        ? Naming.Linears.NUMBERED
        : Naming.Linears.NAMED;
  }

  private static boolean any(Set<String> names, String prefix) {
    return names.stream().anyMatch(name -> name.startsWith(prefix));
  }

  /// A part's config; a connector's is spread over the whole's and those of the parts around it.
  private static ModelConfig config(PartRule rule, ModelConfig config, Architecture whole) {
    return rule.part() == Part.CONNECTOR
        ? ConnectorConfig.of(
            config, hidden(Part.VISION, config, whole), hidden(Part.LANGUAGE, config, whole))
        : nested(rule, config, whole);
  }

  private static long hidden(Part part, ModelConfig config, Architecture whole) {
    PartRule rule = whole.rule(part).orElseThrow();
    ModelConfig own = nested(rule, config, whole);
    return Dimensions.of(family(rule, own), own).hidden();
  }

  /// Old files repeat what differs from the defaults under a second key.
  private static ModelConfig nested(PartRule rule, ModelConfig config, Architecture whole) {
    if (!whole.ownKeys().isEmpty()) {
      return rule.part() == Part.VISION
          ? SingleConfig.vision(config)
          : SingleConfig.language(config, rule, whole);
    }
    ObjectNode json =
        config
            .findNested(rule.config())
            .map(ModelConfig::json)
            .orElseGet(config.json()::objectNode);
    config
        .findNested(repeated(rule))
        .ifPresent(second -> second.json().forEachEntry((key, value) -> json.set(key, value)));
    ModelConfig own = config.with(json);
    return family(rule, own).completeNested(own);
  }

  /// The second key that old files have for a part's config.
  public static String repeated(PartRule rule) {
    return rule.config() + "_dict";
  }

  private static Architecture family(PartRule rule, ModelConfig config) {
    String said = config.findString("model_type").orElse(rule.families().getFirst());
    String type = rule.standIns().getOrDefault(said, said);
    if (!rule.families().contains(type)) {
      throw Complaint.of(
          "model_type",
          config,
          "one of " + String.join(", ", rule.families()) + " in " + rule.config());
    }
    String mixture = rule.byExperts().get(type);
    return Architecture.require(
        mixture != null && config.findLong("num_experts").orElse(0) > 0 ? mixture : type);
  }

  /// The part that a tensor belongs to; empty when no part has such a tensor.
  public Optional<ModelPart> owner(String name) {
    return parts.stream().filter(part -> part.match(name).isPresent()).findFirst();
  }

  /// The parts of a kind: none or one.
  public Optional<ModelPart> find(Part part) {
    return parts.stream().filter(one -> one.part().equals(Optional.of(part))).findFirst();
  }

  /// Every tensor, in state dict order.
  ///
  /// @throws CheckpointFormatException when the configs do not give the dimensions
  public Stream<TensorSlot> slots() {
    return parts.stream().flatMap(part -> part.slots().stream());
  }

  /// True when a part has experts behind routers.
  public boolean mixtureOfExperts() {
    return parts.stream().anyMatch(part -> part.family().mixtureOfExperts());
  }
}
