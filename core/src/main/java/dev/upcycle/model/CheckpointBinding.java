package dev.upcycle.model;

import dev.upcycle.arch.Architecture;
import dev.upcycle.arch.Dimensions;
import dev.upcycle.arch.Role;
import dev.upcycle.arch.TensorSlot;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.checkpoint.TensorEntry;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SequencedMap;

/// A checkpoint whose tensors all have their place: every one that the config promises is there in
/// its shape, and none is left over.
///
/// @param family its architecture
/// @param config its config, the family's defaults filled in
/// @param dimensions its sizes
/// @param entries every tensor that the model uses by its family's name, in state dict order
/// @param frame the tensors that belong to no layer, by role
/// @param layers the tensors of each layer
record CheckpointBinding(
    Architecture family,
    ModelConfig config,
    Dimensions dimensions,
    SequencedMap<String, TensorEntry> entries,
    Names frame,
    List<Names> layers) {

  /// The names of some tensors by what they do; those of experts in the order of experts.
  record Names(Map<Role, List<String>> byRole) {
    /// The only tensor of a role, if there is one.
    Optional<String> find(Role role) {
      return byRole.getOrDefault(role, List.of()).stream().findFirst();
    }

    /// The only tensor of a role that is there.
    String require(Role role) {
      return find(role)
          .orElseThrow(() -> new IllegalStateException("no tensor has the role " + role));
    }

    /// The tensors of a role that has one per expert.
    List<String> all(Role role) {
      return byRole.getOrDefault(role, List.of());
    }

    /// Every tensor.
    List<String> all() {
      return byRole.values().stream().flatMap(List::stream).toList();
    }

    private void add(TensorSlot slot) {
      byRole.computeIfAbsent(slot.role(), role -> new ArrayList<>()).add(slot.name());
    }
  }

  /// Binds a model from its headers, its config and, of biases and heads that the config does not
  /// promise, its bytes.
  ///
  /// @throws dev.upcycle.checkpoint.CheckpointFormatException naming everything that does not fit
  static CheckpointBinding of(StoredPart part) {
    Architecture family = part.family();
    ModelConfig config = family.complete(part.config());
    Dimensions dimensions = Dimensions.of(family, config);
    List<TensorSlot> slots = new Fit(part, config).slots(dimensions);
    SequencedMap<String, TensorEntry> entries = new LinkedHashMap<>();
    Names frame = noNames();
    List<Names> layers = new ArrayList<>();
    for (int layer = 0; layer < dimensions.layers(); layer++) {
      layers.add(noNames());
    }
    for (TensorSlot slot : slots) {
      entries.put(slot.name(), Objects.requireNonNull(part.tensors().get(slot.name())));
      slot.match().layer().stream().mapToObj(layers::get).findFirst().orElse(frame).add(slot);
    }
    return new CheckpointBinding(family, config, dimensions, entries, frame, List.copyOf(layers));
  }

  private static Names noNames() {
    return new Names(new EnumMap<>(Role.class));
  }

  /// Where a tensor's bytes are.
  TensorEntry require(String name) {
    TensorEntry entry = entries.get(name);
    if (entry == null) {
      throw new IllegalStateException("the model has no tensor " + name);
    }
    return entry;
  }

  /// The table of embeddings.
  String embedding() {
    return frame.require(Role.EMBEDDING);
  }

  /// The matrix of the head, which may be the table of embeddings.
  String head() {
    return frame.find(Role.LM_HEAD).orElseGet(this::embedding);
  }
}
