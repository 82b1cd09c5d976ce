package dev.upcycle.function;

import java.util.function.BiFunction;
import java.util.function.Function;

/// What comes of the states at the end of a walk.
///
/// @param dense what the dense model makes of its own
/// @param alone what the target makes of the dense model's: what its end alone gets wrong
/// @param target what the target makes of its own
/// @param perturbed what the dense model makes of its perturbed ones
record Views<T>(T dense, T alone, T target, T perturbed) {
  /// Applies the ends of both models.
  <R> Views<R> ends(Function<T, R> ofDense, Function<T, R> ofTarget) {
    return new Views<>(
        ofDense.apply(dense),
        ofTarget.apply(alone),
        ofTarget.apply(target),
        ofDense.apply(perturbed));
  }

  /// Picks out a part.
  <R> Views<R> map(Function<T, R> part) {
    return new Views<>(
        part.apply(dense), part.apply(alone), part.apply(target), part.apply(perturbed));
  }

  /// This and what comes of another walk.
  <S, R> Views<R> with(Views<S> other, BiFunction<T, S, R> pair) {
    return new Views<>(
        pair.apply(dense, other.dense),
        pair.apply(alone, other.alone),
        pair.apply(target, other.target),
        pair.apply(perturbed, other.perturbed));
  }
}
