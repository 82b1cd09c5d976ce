package dev.upcycle.recipe;

/// Where a router's weights come from.
public sealed interface RouterInit {
  /// A distribution that says everything about a draw.
  sealed interface Drawn extends RouterInit {
    @Override
    default Drawn over(long inputs) {
      return this;
    }
  }

  /// The distribution of a router over vectors of this width.
  Drawn over(long inputs);

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

  /// As PyTorch fills a linear layer that nothing else fills: uniform between `-1/sqrt(inputs)` and
  /// `1/sqrt(inputs)` (`torch.nn.Linear.reset_parameters`); CuMo's routers start so.
  record TorchLinear() implements RouterInit {
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
