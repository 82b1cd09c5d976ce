package dev.upcycle.recipe;

import java.util.Optional;

/// One key of a map.
///
/// @param fallback the value where none is given
/// @param absence what to do where none is given
record Key(String name, Shape shape, Optional<Object> fallback, Absence absence) {
  /// A key with a default.
  static Key withDefault(String name, Leaf leaf, Object fallback) {
    return new Key(name, leaf, Optional.of(fallback), Absence.FILLED);
  }

  /// A key without a default of its own.
  static Key of(String name, Shape shape, Absence absence) {
    return new Key(name, shape, Optional.empty(), absence);
  }

  /// What an absent key means.
  enum Absence {
    /// It has its default, or those of the keys below it.
    FILLED,
    /// It stays away.
    LEFT_OUT,
    /// It is an error.
    REFUSED
  }
}
