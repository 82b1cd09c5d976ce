package dev.upcycle.verify;

import dev.upcycle.checkpoint.TensorEntry;
import dev.upcycle.recipe.RouterInit;
import java.util.Locale;
import java.util.Optional;

/// Are routers finite, and do they look as though drawn as the recipe says?
///
/// They are not drawn again here: that would repeat the conversion's own code. The bands are wide
/// enough never to refuse a true draw (PRECISION.md) and narrow enough to refuse another
/// distribution, another scale, or a dense matrix put in a router's place.
final class RouterExamination implements Examination {
  /// A normal value further out occurs once in 10^18.
  private static final double MOST_DEVIATIONS = 9;

  /// The mean and the spread of a sample stay within so many of their own standard errors.
  private static final double STANDARD_ERRORS = 7;

  /// Rounding to bfloat16 moves a value by at most 2^-8 of itself, rounding to float16 by less of
  /// the spread, since no spread is below the smallest normal number of the dtype.
  private static final double ROUNDING = 0x1p-8;

  private final boolean fresh;

  private RouterExamination(boolean fresh) {
    this.fresh = fresh;
  }

  /// Routers that must look freshly drawn.
  static RouterExamination converted() {
    return new RouterExamination(true);
  }

  /// Routers that were trained since: any finite values will do.
  static RouterExamination trained() {
    return new RouterExamination(false);
  }

  @Override
  public void examine(Subject subject, Findings findings) {
    try (TensorBytes tensors = new TensorBytes()) {
      for (ExpectedTensor expected : subject.expected().all()) {
        Optional<TensorEntry> router =
            subject
                .target()
                .find(expected.name())
                .filter(tensor -> expected.newRouter())
                .filter(tensor -> RoundToNearestEven.isFloat(tensor.dtype()));
        if (router.isPresent()) {
          findings.covered(CheckKind.ROUTERS, router.get().bytes());
          RouterStatistics statistics = RouterStatistics.of(router.get(), tensors);
          objection(statistics, asked(expected, subject))
              .ifPresent(text -> findings.failed(CheckKind.ROUTERS, expected.name(), text));
          remark(statistics, findings);
        }
      }
    }
  }

  /// What the recipe draws this router from; empty where it comes from a file, whose bytes
  /// [RouterFileExamination] compares.
  private Optional<RouterInit.Drawn> asked(ExpectedTensor router, Subject subject) {
    return subject
        .recipe()
        .filter(recipe -> fresh)
        .flatMap(recipe -> router.part().flatMap(recipe::component))
        .map(component -> component.router().init())
        .flatMap(init ->
            init instanceof RouterInit.Seeded seeded
                ? Optional.of(seeded.over(router.shape().dimension(-1)))
                : Optional.empty());
  }

  private static void remark(RouterStatistics statistics, Findings findings) {
    if (statistics.largest() == 0 && statistics.nonFinite() == 0) {
      findings.remark(
          "routers are all zero: every score ties, so every token goes to the same first experts "
              + "until training parts them");
    }
  }

  private static Optional<String> objection(
      RouterStatistics statistics, Optional<RouterInit.Drawn> init) {
    if (statistics.nonFinite() > 0) {
      return Optional.of(
          String.format(
              Locale.ROOT,
              "%d of %d values are NaN or infinite",
              statistics.nonFinite(),
              statistics.elements()));
    }
    if (init.isEmpty()) {
      return Optional.empty();
    }
    return switch (init.get()) {
      case RouterInit.Zero zero ->
          statistics.largest() == 0
              ? Optional.empty()
              : Optional.of(
                  "expected all zero by recipe.yaml, largest magnitude " + statistics.largest());
      case RouterInit.Normal normal ->
          spread("normal", normal.std(), MOST_DEVIATIONS * normal.std(), statistics);
      case RouterInit.Uniform uniform ->
          spread("uniform", uniform.bound() / Math.sqrt(3), uniform.bound(), statistics);
    };
  }

  private static Optional<String> spread(
      String kind, double std, double most, RouterStatistics statistics) {
    double ofMean = std / Math.sqrt((double) statistics.elements());
    double ofSpread = ofMean / Math.sqrt(2);
    boolean inside = statistics.largest() <= most * (1 + ROUNDING);
    boolean centred = Math.abs(statistics.mean()) <= STANDARD_ERRORS * ofMean;
    boolean scaled =
        Math.abs(statistics.rms() - std) <= STANDARD_ERRORS * ofSpread + ROUNDING * std;
    if (inside && centred && scaled) {
      return Optional.empty();
    }
    return Optional.of(
        String.format(
                Locale.ROOT,
                "does not look drawn as recipe.yaml says (%s, std %.3g, magnitude at most %.3g): ",
                kind,
                std,
                most)
            + String.format(
                Locale.ROOT,
                "mean %.3g, std %.3g, largest magnitude %.3g",
                statistics.mean(),
                statistics.rms(),
                statistics.largest()));
  }
}
