package dev.upcycle.recipe;

import java.util.List;
import java.util.stream.IntStream;

/// Which layers of a component.
public sealed interface LayerSelection {
  /// Every layer.
  record All() implements LayerSelection {}

  /// Layers `offset`, `offset + step`, …
  record Every(int step, int offset) implements LayerSelection {
    /// Refuses a step below 1 and an offset below 0.
    public Every {
      check(step >= 1 && offset >= 0, "every " + step + " from " + offset);
    }
  }

  /// The last so many layers; all of them where there are fewer.
  record Last(int count) implements LayerSelection {
    /// Refuses fewer than one.
    public Last {
      check(count >= 1, "last " + count);
    }
  }

  /// All but the last so many layers.
  record ExceptLast(int count) implements LayerSelection {
    /// Refuses fewer than one.
    public ExceptLast {
      check(count >= 1, "except_last " + count);
    }
  }

  /// Layers `from` to `to`, `to` not included.
  record Range(int from, int to) implements LayerSelection {
    /// Refuses an empty range and a negative layer.
    public Range {
      check(from >= 0 && from < to, "range [" + from + ", " + to + "]");
    }
  }

  /// Exactly these layers.
  record Listed(List<Integer> layers) implements LayerSelection {
    /// Takes a copy; refuses an empty list, a negative layer and one named twice.
    public Listed {
      layers = List.copyOf(layers);
      boolean valid = !layers.isEmpty() && layers.stream().allMatch(layer -> layer >= 0);
      check(valid && layers.stream().distinct().count() == layers.size(), "layers " + layers);
    }
  }

  /// The chosen layer indices of a component with so many layers, ascending.
  ///
  /// @throws RecipeException when the selection names a layer that is not there, or none at all
  default List<Integer> of(int layers) {
    return switch (this) {
      case All _ -> {
        require(layers > 0, "the model has no layers; expected at least 1");
        yield indices(0, layers, 1);
      }
      case Every(int step, int offset) -> {
        require(
            offset < layers,
            "offset %d is beyond the last layer; expected 0 to %d, since the model has %d layers"
                .formatted(offset, layers - 1, layers));
        yield indices(offset, layers, step);
      }
      case Last(int count) -> indices(Math.max(0, layers - count), layers, 1);
      case ExceptLast(int count) -> {
        require(
            count < layers,
            "all but the last %d layers were asked for, but the model has %d"
                .formatted(count, layers));
        yield indices(0, layers - count, 1);
      }
      case Range(int from, int to) -> {
        require(
            to <= layers,
            "range [%d, %d] ends beyond the model's %d layers; expected an end of at most %d"
                .formatted(from, to, layers, layers));
        yield indices(from, to, 1);
      }
      case Listed(List<Integer> listed) -> {
        List<Integer> missing = listed.stream().filter(layer -> layer >= layers).sorted().toList();
        require(
            missing.isEmpty(),
            "layers %s are not there; expected 0 to %d, since the model has %d layers"
                .formatted(missing, layers - 1, layers));
        yield listed.stream().sorted().toList();
      }
    };
  }

  private static List<Integer> indices(int from, int to, int step) {
    return IntStream.iterate(from, i -> i < to && i >= 0, i -> i + step).boxed().toList();
  }

  private static void check(boolean valid, String found) {
    if (!valid) {
      throw new IllegalArgumentException(found);
    }
  }

  private static void require(boolean valid, String message) {
    if (!valid) {
      throw new RecipeException(List.of(new Complaint("recipe", 0, 0, "layers", message)));
    }
  }
}
