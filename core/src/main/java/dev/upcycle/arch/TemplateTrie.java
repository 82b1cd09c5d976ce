package dev.upcycle.arch;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/// Finds the template of a name in one walk over its dot-separated segments, however many templates
/// there are.
final class TemplateTrie {
  private static final int MAX_INDEX_DIGITS = 6;

  private final Node root = new Node();

  TemplateTrie(List<TensorTemplate> templates) {
    for (TensorTemplate template : templates) {
      Node node = root;
      for (String segment : template.pattern().split("\\.", -1)) {
        node = node.grow(segment);
      }
      if (node.template != null) {
        throw new IllegalArgumentException("two templates have the pattern " + template.pattern());
      }
      node.template = template;
    }
  }

  Optional<TemplateMatch> match(String name) {
    OptionalInt layer = OptionalInt.empty();
    OptionalInt expert = OptionalInt.empty();
    Node node = root;
    for (int start = 0; start <= name.length(); ) {
      int dot = name.indexOf('.', start);
      int end = dot < 0 ? name.length() : dot;
      String segment = name.substring(start, end);
      Node next = node.words.get(segment);
      if (next == null && node.layers != null) {
        layer = node.layers.index(segment);
        next = layer.isPresent() ? node.layers.node : null;
      } else if (next == null) {
        expert = index(segment);
        next = expert.isPresent() ? node.experts : null;
      }
      if (next == null) {
        return Optional.empty();
      }
      node = next;
      start = end + 1;
    }
    return node.template == null
        ? Optional.empty()
        : Optional.of(new TemplateMatch(node.template, layer, expert));
  }

  /// Only the spelling that a writer gives: no sign, no leading zero.
  private static OptionalInt index(String segment) {
    if (segment.isEmpty() || segment.length() > MAX_INDEX_DIGITS) {
      return OptionalInt.empty();
    }
    if (segment.length() > 1 && segment.charAt(0) == '0') {
      return OptionalInt.empty();
    }
    for (int i = 0; i < segment.length(); i++) {
      if (segment.charAt(i) < '0' || segment.charAt(i) > '9') {
        return OptionalInt.empty();
      }
    }
    return OptionalInt.of(Integer.parseInt(segment));
  }

  /// The layers that a node branches into.
  private record Layers(TensorTemplate.LayerPlace place, Node node) {
    OptionalInt index(String segment) {
      if (!segment.startsWith(place.before())) {
        return OptionalInt.empty();
      }
      OptionalInt number = TemplateTrie.index(segment.substring(place.before().length()));
      return number.isPresent() && number.getAsInt() >= place.first()
          ? OptionalInt.of(number.getAsInt() - place.first())
          : OptionalInt.empty();
    }
  }

  private static final class Node {
    final Map<String, Node> words = new HashMap<>();
    @Nullable Layers layers;
    @Nullable Node experts;
    @Nullable TensorTemplate template;

    Node grow(String segment) {
      Optional<TensorTemplate.LayerPlace> place = TensorTemplate.LayerPlace.of(segment);
      if (place.isPresent()) {
        Layers grown = layers == null ? new Layers(place.get(), new Node()) : layers;
        if (!grown.place.equals(place.get())) {
          throw new IllegalArgumentException("two ways to count layers at " + segment);
        }
        layers = grown;
        return grown.node;
      }
      if (segment.equals(TensorTemplate.EXPERT)) {
        Node node = experts == null ? new Node() : experts;
        experts = node;
        return node;
      }
      return words.computeIfAbsent(segment, key -> new Node());
    }
  }
}
