package dev.upcycle.plan;

import dev.upcycle.checkpoint.DType;
import dev.upcycle.recipe.RouterInit;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/// Whether a dtype can hold what a router is drawn from: no value may become infinite, and the
/// spread must be at least the smallest normal number, below which values lose their bits.
final class RouterSpread {
  /// No normal value drawn from 53 bits lies further out than sqrt(106 log 2) deviations.
  private static final double MOST_DEVIATIONS = 8.6;

  /// Draws are rounded to float32 first, so F64 holds no more than F32.
  private static final Map<DType, Range> RANGES =
      Map.of(
          DType.F16, new Range(0x1p-14, 65504),
          DType.BF16, new Range(Float.MIN_NORMAL, 0x1.fep127),
          DType.F32, new Range(Float.MIN_NORMAL, Float.MAX_VALUE),
          DType.F64, new Range(Float.MIN_NORMAL, Float.MAX_VALUE));

  private RouterSpread() {}

  private record Range(double smallestNormal, double largest) {}

  /// Why a router that is stored in this dtype cannot be drawn so, with the way out.
  static Optional<String> objection(RouterInit.Drawn init, DType dtype) {
    return switch (init) {
      case RouterInit.Zero() -> Optional.empty();
      case RouterInit.Normal(double std) -> objection("std", std, MOST_DEVIATIONS, dtype);
      case RouterInit.Uniform(double bound) -> objection("bound", bound, 1, dtype);
    };
  }

  private static Optional<String> objection(
      String name, double spread, double mostSpreads, DType dtype) {
    Range range = RANGES.get(dtype);
    if (range == null) {
      throw new IllegalStateException("a router of dtype " + dtype);
    }
    double most = range.largest() / mostSpreads;
    if (spread >= range.smallestNormal() && spread <= most) {
      return Optional.empty();
    }
    return Optional.of(
        String.format(
            Locale.ROOT,
            "%s %s: routers are stored in %s, where values of this size %s; expected %.3g to %.3g,"
                + " or another output.dtype",
            name,
            spread,
            dtype,
            spread > most ? "would become infinite" : "would vanish or lose their bits",
            range.smallestNormal(),
            most));
  }
}
