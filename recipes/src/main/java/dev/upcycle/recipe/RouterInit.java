package dev.upcycle.recipe;

import java.nio.file.Path;

/// Where a router's weights come from.
public sealed interface RouterInit {
  /// Drawn from a seed and the tensor's name.
  sealed interface Seeded extends RouterInit {
    /// The distribution of a router over vectors of this width.
    Drawn over(long inputs);
  }

  /// A distribution that says everything about a draw.
  sealed interface Drawn extends Seeded {
    @Override
    default Drawn over(long inputs) {
      return this;
    }
  }

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

  /// Taken from a safetensors file that holds every router of the component by its name.
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

  /// As PyTorch fills a linear layer that nothing else fills: uniform between `-1/sqrt(inputs)` and
  /// `1/sqrt(inputs)` (`torch.nn.Linear.reset_parameters`); CuMo's routers start so.
  record TorchLinear() implements Seeded {
    @Override
    public Drawn over(long inputs) {
      return new Uniform(1 / Math.sqrt((double) inputs));
    }
  }

  private static void check(String name, double value) {
    if (!(value > 0 && Double.isFinite(value))) {
      throw new IllegalArgumentException(name + " " + value + "; expected a number above 0");
    }
  }
}
