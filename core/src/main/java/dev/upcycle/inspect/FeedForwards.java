package dev.upcycle.inspect;

import dev.upcycle.arch.Composition;
import dev.upcycle.arch.ModelPart;
import dev.upcycle.arch.Role;
import dev.upcycle.arch.TemplateMatch;
import dev.upcycle.checkpoint.TensorEntry;
import dev.upcycle.recipe.Part;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/// The shapes of one part's feed-forward networks, layer by layer, and how experts are stored.
final class FeedForwards {
  private static final Set<Role> DENSE = EnumSet.of(Role.FFN_GATE, Role.FFN_UP, Role.FFN_DOWN);

  private static final Set<Role> BIASES = EnumSet.of(Role.EXPERT_UP_BIAS, Role.EXPERT_DOWN_BIAS);

  private final ModelPart part;
  private final String title;
  private final Map<Integer, Map<Role, String>> layers = new TreeMap<>();
  private Optional<String> expertLayout = Optional.empty();

  private FeedForwards(ModelPart part, String title, Collection<TensorEntry> entries) {
    this.part = part;
    this.title = title;
    for (TensorEntry entry : entries) {
      part.match(entry.name()).ifPresent(match -> add(entry, match));
      part.family().matchFused(entry.name()).ifPresent(match -> add(entry, match));
    }
  }

  /// Those of every part; in a composition each says which part it is.
  static List<FeedForwards> of(Collection<TensorEntry> entries, Composition composition) {
    boolean single = composition.parts().size() == 1;
    return composition.parts().stream()
        .map(part ->
            new FeedForwards(
                part, single ? "" : part.part().map(Part::key).orElse("") + ": ", entries))
        .toList();
  }

  private void add(TensorEntry entry, TemplateMatch match) {
    Optional<String> layout = layout(match.template().role());
    // A connector's first map is no layer; its width tells how many scales it reads.
    boolean connector = part.part().equals(Optional.of(Part.CONNECTOR));
    if (layout.isEmpty()
        || (match.layer().isEmpty() && !connector)
        || BIASES.contains(match.template().role())) {
      return;
    }
    if (!layout.get().equals("dense")) {
      expertLayout = layout;
    }
    layers
        .computeIfAbsent(match.layer().orElse(0), layer -> new TreeMap<>())
        .putIfAbsent(match.template().role(), entry.shape().toString());
  }

  private static Optional<String> layout(Role role) {
    if (role.isExpert()) {
      return Optional.of(role.denseCounterpart().isPresent() ? "per-expert" : "fused");
    }
    return DENSE.contains(role) ? Optional.of("dense") : Optional.empty();
  }

  /// How experts are stored; empty in a dense part.
  Optional<Inspection.ExpertLayout> experts() {
    return expertLayout.map(layout ->
        new Inspection.ExpertLayout(
            layout, part.dimensions().experts(), part.dimensions().expertsPerToken()));
  }

  /// Runs of layers with equal shapes.
  List<Inspection.FeedForward> groups() {
    List<Inspection.FeedForward> groups = new ArrayList<>();
    layers.forEach((layer, shapes) -> {
      String text = title + text(shapes);
      if (!groups.isEmpty()
          && groups.getLast().shapes().equals(text)
          && groups.getLast().lastLayer() == layer - 1) {
        Inspection.FeedForward run = groups.removeLast();
        groups.add(new Inspection.FeedForward(run.firstLayer(), layer, text));
      } else {
        groups.add(new Inspection.FeedForward(layer, layer, text));
      }
    });
    return groups;
  }

  private static String text(Map<Role, String> shapes) {
    List<String> parts = new ArrayList<>();
    shapes.forEach((role, shape) -> {
      String name = role.name().toLowerCase(Locale.ROOT);
      parts.add(name.substring(name.indexOf('_') + 1).replace('_', '-') + " " + shape);
    });
    return String.join(", ", parts);
  }
}
