package dev.upcycle.verify;

import dev.upcycle.arch.Architecture;
import dev.upcycle.arch.Composition;
import dev.upcycle.arch.ModelPart;
import dev.upcycle.arch.Role;
import dev.upcycle.arch.TemplateMatch;
import dev.upcycle.arch.TensorSlot;
import dev.upcycle.arch.TensorTemplate;
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
  /// @param target the target's parts
  /// @param dense the source's, in the same order
  static ExpectedTensors derive(Composition target, Composition dense) {
    SequencedMap<String, ExpectedTensor> expected = new LinkedHashMap<>();
    for (int i = 0; i < target.parts().size(); i++) {
      ModelPart from = dense.parts().get(i);
      for (TensorSlot slot : target.parts().get(i).slots()) {
        expected.put(slot.name(), expected(slot, from));
      }
    }
    return new ExpectedTensors(expected);
  }

  private static ExpectedTensor expected(TensorSlot slot, ModelPart from) {
    TemplateMatch match = slot.match();
    if (from.family().mixtureOfExperts()) {
      return new ExpectedTensor(
          slot.name(), slot.role(), slot.shape(), Optional.of(from.name(match)), from.part(), true);
    }
    Optional<String> source =
        denseRole(slot.role())
            .flatMap(wanted -> counterpart(wanted, match.template(), from.family()))
            .map(template ->
                from.name(new TemplateMatch(template, match.layer(), OptionalInt.empty())));
    return new ExpectedTensor(slot.name(), slot.role(), slot.shape(), source, from.part(), false);
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
