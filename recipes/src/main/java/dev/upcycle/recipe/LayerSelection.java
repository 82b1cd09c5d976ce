package dev.upcycle.recipe;

import java.util.List;

/// Which layers of a component.
public sealed interface LayerSelection {
  /// Every layer.
  record All() implements LayerSelection {}

  /// Layers `offset`, `offset + step`, …
  record Every(int step, int offset) implements LayerSelection {}

  /// The last so many layers.
  record Last(int count) implements LayerSelection {}

  /// Layers `from` to `to`, `to` not included.
  record Range(int from, int to) implements LayerSelection {}

  /// Exactly these layers.
  record Listed(List<Integer> layers) implements LayerSelection {
    /// Takes a copy.
    public Listed {
      layers = List.copyOf(layers);
    }
  }

  /// The chosen layer indices of a component with so many layers, ascending.
  ///
  /// @throws RecipeException when the selection names a layer that is not there, or none at all
  default List<Integer> of(int layers) {
    throw new UnsupportedOperationException();
  }
}
