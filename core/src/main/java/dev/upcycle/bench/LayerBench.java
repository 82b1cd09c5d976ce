package dev.upcycle.bench;

import dev.upcycle.kernels.bench.MoeLayerBench;
import dev.upcycle.kernels.bench.MoeLayerBench.Form;
import dev.upcycle.kernels.bench.MoeLayerBench.LayerShape;
import dev.upcycle.kernels.bench.MoeLayerBench.Load;
import dev.upcycle.kernels.bench.Turns;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.IntConsumer;

/// One layer of experts against the dense network that multiplies as much per token, forward and
/// backward, under even and skewed routing.
public final class LayerBench {
  private LayerBench() {}

  /// What to measure.
  ///
  /// @param tokens of the batch
  /// @param form how the weights lie
  public record Setting(DecoderShape.ExpertShape shape, long tokens, Form form) {
    /// Refuses an empty batch.
    public Setting {
      if (tokens < 1) {
        throw new IllegalArgumentException("a batch of " + tokens + " tokens; expected at least 1");
      }
    }
  }

  /// What was measured under one load.
  ///
  /// @param load `even` or `skewed`
  /// @param turns of both sides
  /// @param assignments of each expert
  public record Result(String load, Turns turns, List<Long> assignments) {
    /// Takes a copy.
    public Result {
      assignments = List.copyOf(assignments);
    }
  }

  /// How many turns a run makes in all.
  public static int count(ComputeSettings settings) {
    return Load.values().length * Turns.count(settings.turns());
  }

  /// Measures both loads, even first.
  ///
  /// @param turned hears of every turn that is done, of both loads, warm-up included
  public static List<Result> run(Setting setting, ComputeSettings settings, IntConsumer turned) {
    settings.useThreads();
    List<Result> results = new ArrayList<>();
    for (Load load : Load.values()) {
      int before = results.size() * Turns.count(settings.turns());
      results.add(result(load, setting, settings, done -> turned.accept(before + done)));
    }
    return List.copyOf(results);
  }

  private static Result result(
      Load load, Setting setting, ComputeSettings settings, IntConsumer turned) {
    DecoderShape.ExpertShape shape = setting.shape();
    LayerShape layer =
        new LayerShape(
            setting.tokens(),
            shape.hidden(),
            shape.intermediate(),
            shape.count(),
            shape.perToken());
    MoeLayerBench.Result result =
        MoeLayerBench.run(
            new MoeLayerBench.Setting(layer, setting.form(), settings.options().compute(), load),
            settings.options().device(),
            settings.turns(),
            turned);
    return new Result(load.name().toLowerCase(Locale.ROOT), result.turns(), result.counts());
  }
}
