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
      if (next == null) {
        OptionalInt index = index(segment);
        if (index.isEmpty()) {
          return Optional.empty();
        } else if (node.layers != null) {
          layer = index;
          next = node.layers;
        } else if (node.experts != null) {
          expert = index;
          next = node.experts;
        } else {
          return Optional.empty();
        }
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

  private static final class Node {
    final Map<String, Node> words = new HashMap<>();
    @Nullable Node layers;
    @Nullable Node experts;
    @Nullable TensorTemplate template;

    Node grow(String segment) {
      if (segment.equals(TensorTemplate.LAYER)) {
        Node node = layers == null ? new Node() : layers;
        layers = node;
        return node;
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
