package dev.upcycle.recipe;

import java.nio.file.Path;

/// Where a router's weights come from.
public sealed interface RouterInit {
  /// Drawn from a seed and the tensor's name.
  sealed interface Drawn extends RouterInit {}

  /// All zero: every score ties, so every token goes to the same first experts until training parts
  /// them.
  record Zero() implements Drawn {}

  /// Normal with mean zero.
  ///
  /// @param std standard deviation, positive
  record Normal(double std) implements Drawn {
    /// Refuses what is not finite and positive.
    public Normal {
      check("std", std);
    }
  }

  /// Uniform between `-bound` and `bound`.
  ///
  /// @param bound positive
  record Uniform(double bound) implements Drawn {
    /// Refuses what is not finite and positive.
    public Uniform {
      check("bound", bound);
    }
  }

  /// Taken from a safetensors file that holds every router of the target by its name.
  ///
  /// @param path absolute
  record File(Path path) implements RouterInit {
    /// Refuses a path that depends on where a program runs.
    public File {
      if (!path.isAbsolute()) {
        throw new IllegalArgumentException("path " + path + "; expected an absolute one");
      }
    }
  }

  private static void check(String name, double value) {
    if (!(value > 0 && Double.isFinite(value))) {
      throw new IllegalArgumentException(name + " " + value + "; expected a number above 0");
    }
  }
}
