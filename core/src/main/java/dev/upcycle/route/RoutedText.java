package dev.upcycle.route;

import java.util.List;

/// A text and what every router decided for its tokens.
///
/// @param text the text
/// @param layers those that have experts
public record RoutedText(LabelledText text, List<RoutedLayer> layers) {
  /// Takes a copy.
  public RoutedText {
    layers = List.copyOf(layers);
  }
}
