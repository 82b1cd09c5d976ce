package dev.upcycle.plan;

import dev.upcycle.arch.Architecture;
import dev.upcycle.arch.ModelPart;
import dev.upcycle.arch.Role;
import dev.upcycle.arch.TemplateMatch;
import dev.upcycle.arch.TensorSlot;
import dev.upcycle.checkpoint.DType;
import dev.upcycle.checkpoint.TensorEntry;
import dev.upcycle.recipe.Component;
import dev.upcycle.recipe.ExpertInit;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/// Plans the tensors of one part.
final class PartPlanner {
  private final Architecture family;
  private final Map<String, TensorEntry> used;
  private final Storage storage;

  /// What all parts share.
  ///
  /// @param dtype what floating-point tensors are stored in; empty keeps the source's
  /// @param seeds of the routers
  record Storage(Optional<DType> dtype, SeedTree seeds) {}

  /// @param family the dense part's
  /// @param used its tensors, by the part's own names
  PartPlanner(Architecture family, Map<String, TensorEntry> used, Storage storage) {
    this.family = family;
    this.used = used;
    this.storage = storage;
  }

  /// One step per tensor of the target's part.
  ///
  /// @param component how the part becomes experts; empty where it stays as it is
  List<TensorStep> steps(ModelPart target, Optional<Component> component) {
    List<TensorSlot> slots = target.slots();
    if (component.isEmpty()) {
      return slots.stream().map(this::unchanged).toList();
    }
    RouterSteps routers = RouterSteps.of(component.get().router().init(), storage.seeds(), slots);
    List<TensorStep> steps = new ArrayList<>();
    for (TensorSlot slot : slots) {
      steps.add(
          switch (slot.role().kind()) {
            case ROUTER -> router(slot, routers);
            case EXPERT -> expert(slot, component.get());
            case BODY, DENSE, SHARED, STACKED, DERIVED -> unchanged(slot);
          });
    }
    return steps;
  }

  private TensorStep router(TensorSlot slot, RouterSteps routers) {
    Role first = family.has(Role.FFN_GATE) ? Role.FFN_GATE : Role.FFN_UP;
    TensorEntry beside = sourceOf(first, slot.match().layer());
    return routers.step(slot, storage.dtype().orElse(beside.dtype()));
  }

  private TensorStep expert(TensorSlot slot, Component component) {
    TemplateMatch match = slot.match();
    TensorEntry entry = sourceOf(slot.role().denseCounterpart().orElseThrow(), match.layer());
    return switch (component.experts().init()) {
      case ExpertInit.Copy() ->
          new TensorStep.CopyToExpert(
              slot.spec(storage.dtype().orElse(entry.dtype())),
              slot.role(),
              entry,
              match.layer(),
              match.expert().orElseThrow());
    };
  }

  private TensorStep unchanged(TensorSlot slot) {
    TemplateMatch match = slot.match();
    TensorEntry entry = require(match.template().name(match.layer(), match.expert()));
    return new TensorStep.PassThrough(
        slot.spec(storage.dtype().orElse(entry.dtype())), slot.role(), entry);
  }

  private TensorEntry sourceOf(Role role, OptionalInt layer) {
    return require(family.template(role).name(layer, OptionalInt.empty()));
  }

  private TensorEntry require(String name) {
    TensorEntry entry = used.get(name);
    if (entry == null) {
      throw new IllegalStateException("matched source without " + name);
    }
    return entry;
  }
}
