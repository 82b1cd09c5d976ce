package dev.upcycle.recipe;

/// Where a router's weights come from.
public sealed interface RouterInit {
  /// All zero: every score ties, so every token goes to the same first experts until training parts
  /// them.
  record Zero() implements RouterInit {}

  /// Normal with mean zero.
  ///
  /// @param std standard deviation, positive
  record Normal(double std) implements RouterInit {
    /// Refuses what is not finite and positive.
    public Normal {
      check("std", std);
    }
  }

  /// Uniform between `-bound` and `bound`.
  ///
  /// @param bound positive
  record Uniform(double bound) implements RouterInit {
    /// Refuses what is not finite and positive.
    public Uniform {
      check("bound", bound);
    }
  }

  private static void check(String name, double value) {
    if (!(value > 0 && Double.isFinite(value))) {
      throw new IllegalArgumentException(name + " " + value + "; expected a number above 0");
    }
  }
}
