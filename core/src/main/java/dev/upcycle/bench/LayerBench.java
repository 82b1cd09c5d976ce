package dev.upcycle.bench;

import dev.upcycle.kernels.bench.MoeLayerBench;
import dev.upcycle.kernels.bench.MoeLayerBench.LayerShape;
import java.util.List;
import java.util.Locale;

/// One layer of experts against the dense network that multiplies as much per token, forward and
/// backward, under even and skewed routing.
public final class LayerBench {
  private LayerBench() {}

  /// What to measure.
  ///
  /// @param tokens of the batch
  public record Setting(DecoderShape.ExpertShape shape, long tokens) {
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
  /// @param median of the turns of both sides
  /// @param assignments of each expert
  public record Result(String load, long tokens, Turn median, List<Long> assignments) {
    /// Takes a copy.
    public Result {
      assignments = List.copyOf(assignments);
    }

    /// Of the layer of experts.
    public double tokensPerSecond() {
      return tokens / median.sparse().wallSeconds();
    }

    /// Of the dense network.
    public double denseTokensPerSecond() {
      return tokens / median.dense().wallSeconds();
    }
  }

  /// Measures both loads, even first.
  public static List<Result> run(Setting setting, ComputeSettings settings) {
    settings.useThreads();
    return List.of(MoeLayerBench.Load.values()).stream()
        .map(load -> result(load, setting, settings))
        .toList();
  }

  private static Result result(MoeLayerBench.Load load, Setting setting, ComputeSettings settings) {
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
            new MoeLayerBench.Setting(layer, settings.options().compute(), load, settings.turns()),
            settings.options().device());
    return new Result(
        load.name().toLowerCase(Locale.ROOT),
        setting.tokens(),
        new Turn(timing(result.dense()), timing(result.sparse())),
        result.counts());
  }

  private static Timing timing(MoeLayerBench.Times times) {
    return new Timing(times.wallMillis() / 1e3, times.cpuMillis() / 1e3);
  }
}
