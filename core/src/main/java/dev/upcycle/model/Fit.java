package dev.upcycle.model;

import dev.upcycle.arch.Architecture;
import dev.upcycle.arch.Dimensions;
import dev.upcycle.arch.Role;
import dev.upcycle.arch.TemplateMatch;
import dev.upcycle.arch.TensorSlot;
import dev.upcycle.arch.TensorTemplate;
import dev.upcycle.checkpoint.CheckpointFault;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.DType;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.checkpoint.TensorEntry;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Whether a model's tensors and its config describe one and the same.
final class Fit {
  private static final Set<DType> FLOATS = EnumSet.of(DType.F16, DType.BF16, DType.F32, DType.F64);

  private static final int SHOWN_FAULTS = 6;

  private final StoredPart part;
  private final Architecture family;
  private final ModelConfig config;

  /// @param config the model's, the family's defaults filled in
  Fit(StoredPart part, ModelConfig config) {
    this.part = part;
    this.family = part.family();
    this.config = config;
  }

  /// Everything that the model uses, in state dict order; all of it is there.
  List<TensorSlot> slots(Dimensions dimensions) {
    boolean fused =
        part.tensors().keySet().stream()
            .anyMatch(name -> family.match(name).isEmpty() && family.matchFused(name).isPresent());
    refuseAbsurdity(dimensions, fused ? 1 : dimensions.experts());
    List<TensorSlot> slots =
        new ArrayList<>(fused ? family.fusedSlots(config) : family.slots(config));
    slots.addAll(unpromised(dimensions));
    List<String> faults = new ArrayList<>();
    Map<String, TensorSlot> wanted = new HashMap<>();
    for (TensorSlot slot : slots) {
      wanted.put(slot.name(), slot);
      fault(slot).ifPresent(faults::add);
    }
    part.tensors()
        .forEach((name, entry) -> {
          if (!wanted.containsKey(name)) {
            objection(name, entry).ifPresent(faults::add);
          }
        });
    if (!faults.isEmpty()) {
      throw fault(first(faults));
    }
    return slots;
  }

  private static String first(List<String> faults) {
    int left = faults.size() - SHOWN_FAULTS;
    String shown = String.join("; ", faults.subList(0, Math.min(SHOWN_FAULTS, faults.size())));
    return left > 0 ? shown + "; and " + left + " tensors more" : shown;
  }

  /// What is used when it lies there and no config key speaks of, such as a pooler.
  private List<TensorSlot> unpromised(Dimensions dimensions) {
    List<TensorSlot> slots = new ArrayList<>();
    for (String name : part.tensors().keySet()) {
      family
          .match(name)
          .filter(match -> match.template().role() == Role.HEAD)
          .filter(match -> match.template().presence() == TensorTemplate.Presence.OPTIONAL)
          .filter(match -> match.template().flag().isEmpty())
          .map(match -> new TensorSlot(name, dimensions.shape(match.template()), match))
          .ifPresent(slots::add);
    }
    return slots;
  }

  /// A hostile config must not make an expectation larger than the files could fill.
  private void refuseAbsurdity(Dimensions dimensions, int expertsStored) {
    int layers = dimensions.layers();
    long calledFor = Math.max(layers, (long) family.sparseLayers(config) * expertsStored);
    if (calledFor > part.tensors().size()) {
      throw fault(
          "config.json calls for %d layers of %d experts, the weights hold %d tensors in all"
              .formatted(layers, dimensions.experts(), part.tensors().size()));
    }
  }

  private CheckpointFormatException fault(String what) {
    return new CheckpointFormatException(
        CheckpointFault.NO_SUCH_TENSOR,
        "%s does not hold the %s that its config.json describes: %s"
            .formatted(part.checkpoint().directory(), family.modelType(), what));
  }

  private Optional<String> fault(TensorSlot slot) {
    TensorEntry entry = part.tensors().get(slot.name());
    if (entry == null) {
      return Optional.of("%s %s is missing".formatted(slot.name(), slot.shape()));
    }
    if (!entry.shape().equals(slot.shape())) {
      return Optional.of(
          "%s is %s, expected %s".formatted(entry.name(), entry.shape(), slot.shape()));
    }
    return FLOATS.contains(entry.dtype())
        ? Optional.empty()
        : Optional.of(
            "%s is %s, expected one of F16, BF16, F32, F64".formatted(entry.name(), entry.dtype()));
  }

  /// Why a tensor that the config does not promise cannot be passed over.
  private Optional<String> objection(String name, TensorEntry entry) {
    Optional<TensorTemplate> template = family.match(name).map(TemplateMatch::template);
    if (template.filter(one -> family.leftOut().contains(one.pattern())).isPresent()) {
      return Optional.empty();
    }
    Optional<Role> role = template.map(TensorTemplate::role);
    if (role.isEmpty()) {
      return Optional.of(
          "%s %s is left over: no %s has a tensor of this name"
              .formatted(entry.name(), entry.shape(), family.modelType()));
    }
    return switch (role.get()) {
      case DERIVED -> Optional.empty();
      case LM_HEAD ->
          equalsEmbedding(entry)
              ? Optional.empty()
              : Optional.of(
                  entry.name()
                      + " differs from the embedding, to which tie_word_embeddings ties it");
      case ATTENTION_BIAS, FFN_BIAS ->
          isZero(entry)
              ? Optional.empty()
              : Optional.of(
                  entry.name()
                      + " is not zero, but config.json does not say that there are biases");
      default ->
          Optional.of(
              "%s %s is left over: config.json has no place for it"
                  .formatted(entry.name(), entry.shape()));
    };
  }

  private boolean equalsEmbedding(TensorEntry head) {
    TensorEntry embedding = part.tensors().get(family.template(Role.EMBEDDING).pattern());
    if (embedding == null
        || embedding.dtype() != head.dtype()
        || !embedding.shape().equals(head.shape())) {
      return false;
    }
    try (Arena arena = Arena.ofConfined()) {
      return map(embedding, arena).mismatch(map(head, arena)) < 0;
    }
  }

  private MemorySegment map(TensorEntry entry, Arena arena) {
    return part.checkpoint().map(entry, arena);
  }

  /// Whether every element is zero of either sign; a bias is small.
  private boolean isZero(TensorEntry entry) {
    if (!FLOATS.contains(entry.dtype())) {
      return false;
    }
    int width = entry.dtype().bits() / Byte.SIZE;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment bytes = map(entry, arena);
      for (long i = 0; i < bytes.byteSize(); i++) {
        int value = bytes.get(ValueLayout.JAVA_BYTE, i);
        boolean signed = i % width == width - 1;
        if ((signed ? value & Byte.MAX_VALUE : value) != 0) {
          return false;
        }
      }
      return true;
    }
  }
}
