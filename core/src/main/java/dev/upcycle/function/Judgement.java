package dev.upcycle.function;

import dev.upcycle.function.FunctionReport.Place;
import java.util.Map;
import java.util.Optional;

/// Which parts of a target must compute what the dense model computes.
public sealed interface Judgement {
  /// All of them.
  record All() implements Judgement {}

  /// The layers that the conversion left what they compute; nothing that comes of all layers.
  ///
  /// @param because why not all, the first reason
  /// @param exempt the layers that need not, with the reason
  record Untouched(String because, Map<Place, String> exempt) implements Judgement {
    /// Takes a copy.
    public Untouched {
      exempt = Map.copyOf(exempt);
    }
  }

  /// None.
  ///
  /// @param because why
  record None(String because) implements Judgement {}

  /// Why a layer need not; empty when it must.
  default Optional<String> objection(Place place) {
    return switch (this) {
      case All() -> Optional.empty();
      case Untouched(_, Map<Place, String> exempt) -> Optional.ofNullable(exempt.get(place));
      case None(String because) -> Optional.of(because);
    };
  }

  /// Why what comes of all layers need not be the dense model's; empty when it must be.
  default Optional<String> objection() {
    return switch (this) {
      case All() -> Optional.empty();
      case Untouched(String because, _) -> Optional.of(because);
      case None(String because) -> Optional.of(because);
    };
  }
}
