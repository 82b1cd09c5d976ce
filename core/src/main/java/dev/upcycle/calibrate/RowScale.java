package dev.upcycle.calibrate;

/// How large a router's rows are made; all rows of a router have the same norm.
public sealed interface RowScale {
  /// Each row has this Euclidean norm.
  ///
  /// @param norm positive
  record Norm(double norm) implements RowScale {
    /// Refuses what is not finite and positive.
    public Norm {
      check(norm);
    }
  }

  /// The norm with which the logits that softmax tells apart have this standard deviation.
  ///
  /// @param std positive; see [LayerReport#logitStd()]
  record LogitStd(double std) implements RowScale {
    /// Refuses what is not finite and positive.
    public LogitStd {
      check(std);
    }
  }

  /// The norm of each row.
  ///
  /// @param stdOfUnitRows the logits' standard deviation with rows of norm 1
  /// @throws CalibrationException when it is 0, so that no norm makes it anything else
  default double norm(double stdOfUnitRows) {
    return switch (this) {
      case Norm(double norm) -> norm;
      case LogitStd(double std) -> {
        if (!(stdOfUnitRows > 0)) {
          throw new CalibrationException(
              "all experts' logits are equal, so that no norm gives them a standard deviation; give"
                  + " the experts other texts, or a norm");
        }
        yield std / stdOfUnitRows;
      }
    };
  }

  private static void check(double value) {
    if (!(value > 0 && Double.isFinite(value))) {
      throw new IllegalArgumentException(value + "; expected a finite number above 0");
    }
  }
}
