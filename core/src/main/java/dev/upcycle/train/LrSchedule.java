package dev.upcycle.train;

import dev.upcycle.recipe.Updates;

/// Which share of the peak learning rate holds at a step; pure.
public sealed interface LrSchedule {
  /// The share at a step.
  ///
  /// @param step from 0
  double share(long step);

  /// A stage's own schedule.
  ///
  /// @param steps of the stage
  static LrSchedule of(Updates.ScheduleSettings settings, long steps) {
    Updates.Warmup warmup = settings.warmup();
    return new WarmedUp(
        settings.shape(), warmup.kind(), (long) Math.ceil(warmup.ratio() * steps), steps);
  }

  /// The same share all the time.
  record Kept(double value) implements LrSchedule {
    @Override
    public double share(long step) {
      return value;
    }
  }

  /// A rise to the peak, then a course.
  ///
  /// @param warmup steps of the rise
  /// @param steps in all
  record WarmedUp(Updates.Course course, Updates.Rise rise, long warmup, long steps)
      implements LrSchedule {
    /// A logarithmic rise of one step takes two, as DeepSpeed's do: the logarithm of 1 is 0.
    public WarmedUp {
      warmup = rise == Updates.Rise.LOG && warmup == 1 ? 2 : warmup;
    }

    @Override
    public double share(long step) {
      if (step < warmup) {
        return switch (rise) {
          case LINEAR -> (double) step / warmup;
          case LOG -> Math.log1p((double) step) / Math.log((double) warmup);
        };
      }
      return switch (course) {
        case Updates.Course.Cosine(double last) ->
            last + (1 - last) * 0.5 * (1 + Math.cos(Math.PI * progress(step + late())));
        case Updates.Course.Linear(double last) -> 1 - (1 - last) * progress(step);
        case Updates.Course.Constant(double cooldown) -> cooled(step, cooldown);
      };
    }

    /// From 0 after the warm-up to 1 after the last step.
    private double progress(long step) {
      return Math.min(1, (double) (step - warmup) / Math.max(1, steps - warmup));
    }

    /// DeepSpeed's `WarmupCosineLR` has its peak in the last step of the warm-up and begins to fall
    /// in the step after it; its line, `WarmupDecayLR`, begins a step later.
    private long late() {
      return switch (rise) {
        case LINEAR -> 0;
        case LOG -> warmup == 0 ? 0 : 1;
      };
    }

    /// `1 - sqrt(x)` over the last steps.
    private double cooled(long step, double cooldown) {
      long length = (long) Math.ceil(cooldown * steps);
      long first = steps - length;
      return step < first || length == 0
          ? 1
          : Math.max(0, 1 - Math.sqrt((double) (step - first) / length));
    }
  }
}
