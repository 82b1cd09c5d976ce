package dev.upcycle.plan;

import dev.upcycle.arch.Architecture;
import dev.upcycle.arch.ModelPart;
import dev.upcycle.arch.PartRule;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/// What a part can become inside a whole.
///
/// @param part the dense part
/// @param whole the family of the result
record PartTarget(ModelPart part, Architecture whole) {
  /// The families with experts that it can become there, the preferred one first.
  List<Architecture> mixtures() {
    Optional<PartRule> rule = part.part().flatMap(whole::rule);
    if (rule.isEmpty()) {
      return part.part().equals(whole.part()) ? List.of(whole) : List.of();
    }
    Optional<Architecture> own = rule.get().dense(part.family());
    Stream<String> named =
        own.orElse(part.family()).upcyclesTo().stream().filter(rule.get().families()::contains);
    Stream<String> told =
        own
            .flatMap(family -> Optional.ofNullable(rule.get().byExperts().get(family.modelType())))
            .stream();
    return Stream.concat(named, told).map(Architecture::require).toList();
  }

  /// What stands for it there when it stays dense; empty where the whole has no room for it.
  Optional<Architecture> dense() {
    Optional<PartRule> rule = part.part().flatMap(whole::rule);
    return rule.isEmpty() ? Optional.of(part.family()) : rule.get().dense(part.family());
  }

  /// That of them which can have experts in just these layers.
  Optional<Architecture> mixture(List<Integer> layers) {
    boolean every = layers.size() == part.dimensions().layers();
    return mixtures().stream().filter(mixture -> every || mixture.mixesLayers()).findFirst();
  }
}
