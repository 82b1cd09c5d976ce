package dev.upcycle.inspect;

import dev.upcycle.arch.Architecture;
import dev.upcycle.arch.Role;
import dev.upcycle.arch.TemplateMatch;
import dev.upcycle.checkpoint.TensorEntry;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/// The shapes of the feed-forward networks, layer by layer, and how experts are stored.
final class FeedForwards {
  private final Map<Integer, Map<Role, String>> layers = new TreeMap<>();
  private Optional<String> expertLayout = Optional.empty();

  FeedForwards(Collection<TensorEntry> entries, Optional<Architecture> family) {
    for (TensorEntry entry : entries) {
      Optional<TemplateMatch> named = family.flatMap(known -> known.match(entry.name()));
      Optional<TemplateMatch> fused = family.flatMap(known -> known.matchFused(entry.name()));
      named.ifPresent(match -> add(entry, match));
      fused.ifPresent(match -> add(entry, match));
    }
  }

  private void add(TensorEntry entry, TemplateMatch match) {
    Optional<String> layout =
        switch (match.template().role()) {
          case FFN_GATE, FFN_UP, FFN_DOWN -> Optional.of("dense");
          case EXPERT_GATE, EXPERT_UP, EXPERT_DOWN -> Optional.of("per-expert");
          case STACKED_GATE_UP, STACKED_DOWN -> Optional.of("fused");
          case EMBEDDING,
              INPUT_NORM,
              ATTENTION_QUERY,
              ATTENTION_KEY,
              ATTENTION_VALUE,
              ATTENTION_OUTPUT,
              ATTENTION_BIAS,
              QUERY_NORM,
              KEY_NORM,
              SHARED_GATE,
              SHARED_UP,
              SHARED_DOWN,
              SHARED_ROUTER,
              POST_ATTENTION_NORM,
              FFN_BIAS,
              ROUTER,
              FINAL_NORM,
              LM_HEAD,
              DERIVED ->
              Optional.empty();
        };
    if (layout.isEmpty() || match.layer().isEmpty()) {
      return;
    }
    if (!layout.get().equals("dense")) {
      expertLayout = layout;
    }
    layers
        .computeIfAbsent(match.layer().getAsInt(), layer -> new TreeMap<>())
        .putIfAbsent(match.template().role(), entry.shape().toString());
  }

  /// `per-expert` or `fused`; empty in a dense model.
  Optional<String> expertLayout() {
    return expertLayout;
  }

  /// Runs of layers with equal shapes.
  List<Inspection.FeedForward> groups() {
    List<Inspection.FeedForward> groups = new ArrayList<>();
    layers.forEach((layer, shapes) -> {
      String text = text(shapes);
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
