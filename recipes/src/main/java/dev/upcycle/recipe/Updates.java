package dev.upcycle.recipe;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;

/// How parameters move.
///
/// @param rates peak learning rates by what they hold for: one of [#WORDS], or a pattern of tensor
///   names in which `*` stands for any text; the last that fits holds, and what none fits, or a
///   rate of 0, is frozen
/// @param optimizer its numbers
/// @param schedule the share of the peak at each step
/// @param clipNorm the longest that all gradients together may be; empty is any length
/// @param average decay of the moving average that is kept of what trains; empty keeps none
public record Updates(
    SequencedMap<String, Double> rates,
    AdamWSettings optimizer,
    ScheduleSettings schedule,
    Optional<Double> clipNorm,
    Optional<Double> average) {
  /// Takes a copy that keeps the order.
  public Updates {
    rates = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(rates));
  }

  /// AdamW's numbers.
  ///
  /// @param beta1 of the means of gradients
  /// @param beta2 of the means of squared gradients
  /// @param epsilon added to the denominator
  /// @param decay weight decay, decoupled: multiplied by the rate
  /// @param noDecay patterns of tensors that do not decay, as those of rates
  public record AdamWSettings(
      double beta1, double beta2, double epsilon, double decay, List<String> noDecay) {
    /// Takes a copy.
    public AdamWSettings {
      noDecay = List.copyOf(noDecay);
    }
  }

  /// The share of the peak rate at each step of a stage.
  ///
  /// @param shape after the warm-up
  /// @param warmup before it
  public record ScheduleSettings(Course shape, Warmup warmup) {}

  /// The course of a rate after its warm-up.
  public sealed interface Course {
    /// Half a cosine down to a share of the peak.
    record Cosine(double last) implements Course {}

    /// A line down to a share of the peak.
    record Linear(double last) implements Course {}

    /// The peak, then an inverse square root down to 0.
    ///
    /// @param cooldown the share of the stage's steps that go down
    record Constant(double cooldown) implements Course {}
  }

  /// How a rate rises to its peak.
  ///
  /// @param kind of curve
  /// @param ratio share of the stage's steps
  public record Warmup(Rise kind, double ratio) {}

  /// A curve from 0 to the peak.
  public enum Rise {
    LINEAR,
    /// `ln(t + 1) / ln(steps)`, DeepSpeed's.
    LOG
  }

  /// Words of [#rates] that are no patterns.
  public static final List<String> WORDS =
      List.of("all", "experts", "routers", "language", "vision", "connector");

  /// The word that a misspelt one meant, where one is near.
  public static Optional<String> nearestWord(String given) {
    return NearestName.of(given, WORDS);
  }
}
