package dev.upcycle.verify;

import dev.upcycle.arch.Architecture;
import dev.upcycle.arch.Role;
import dev.upcycle.arch.TemplateMatch;
import dev.upcycle.arch.TensorSlot;
import dev.upcycle.arch.TensorTemplate;
import dev.upcycle.checkpoint.ModelConfig;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SequencedMap;

/// What a target must hold, from its own config and the roles of two families' templates; nothing
/// here asks the planner or believes the manifest.
///
/// An expert's gate comes from the dense gate of the same layer because both templates say so by
/// their roles, whatever the tensors are called.
///
/// @param byName every expected tensor, in state dict order
record ExpectedTensors(SequencedMap<String, ExpectedTensor> byName) {
  /// Derives the expectation.
  ///
  /// @param config the target's config
  /// @param family the target's family
  /// @param dense the source's family
  static ExpectedTensors derive(ModelConfig config, Architecture family, Architecture dense) {
    SequencedMap<String, ExpectedTensor> expected = new LinkedHashMap<>();
    for (TensorSlot slot : family.slots(config)) {
      TemplateMatch match = slot.match();
      Optional<String> source =
          denseRole(slot.role())
              .flatMap(wanted -> counterpart(wanted, match.template(), dense))
              .map(template -> dense.name(template, match.layer(), OptionalInt.empty()));
      expected.put(slot.name(), new ExpectedTensor(slot.name(), slot.role(), slot.shape(), source));
    }
    return new ExpectedTensors(expected);
  }

  /// The expected tensor of this name, if the target should hold it.
  Optional<ExpectedTensor> find(String name) {
    return Optional.ofNullable(byName.get(name));
  }

  /// Every expected tensor, in state dict order.
  List<ExpectedTensor> all() {
    return List.copyOf(byName.values());
  }

  private static Optional<Role> denseRole(Role role) {
    return switch (role.kind()) {
      // A source is never stacked, and nothing in a target may come from a stacked matrix.
      case ROUTER, STACKED, SHARED -> Optional.empty();
      case EXPERT -> Optional.of(ofExperts(role));
      case BODY, DENSE, DERIVED -> Optional.of(role);
    };
  }

  private static Role ofExperts(Role role) {
    return switch (role) {
      case EXPERT_GATE -> Role.FFN_GATE;
      case EXPERT_UP -> Role.FFN_UP;
      case EXPERT_DOWN -> Role.FFN_DOWN;
      case EXPERT_UP_BIAS -> Role.FFN_UP_BIAS;
      case EXPERT_DOWN_BIAS -> Role.FFN_DOWN_BIAS;
      default -> throw new IllegalStateException(role + " is no part of an expert");
    };
  }

  private static Optional<TensorTemplate> counterpart(
      Role role, TensorTemplate target, Architecture dense) {
    List<TensorTemplate> candidates =
        dense.templates().stream().filter(template -> template.role() == role).toList();
    return candidates.stream()
        .filter(template -> candidates.size() == 1 || template.pattern().equals(target.pattern()))
        .findFirst();
  }
}
