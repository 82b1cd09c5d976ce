package dev.upcycle.kernels.bench;

import dev.upcycle.kernels.ffn.Activation;
import dev.upcycle.kernels.ffn.FeedForward;
import dev.upcycle.kernels.ffn.Linear;
import dev.upcycle.kernels.moe.ExpertWeights;
import dev.upcycle.kernels.moe.Experts;
import dev.upcycle.kernels.moe.MoeLayer;
import dev.upcycle.kernels.moe.Router;
import dev.upcycle.kernels.moe.RoutingPass;
import dev.upcycle.kernels.tensor.DType;
import dev.upcycle.kernels.tensor.Device;
import dev.upcycle.kernels.tensor.Gradients;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.TensorScope;
import dev.upcycle.kernels.tensor.Tensors;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;

/// Forward and backward of a layer of experts beside a dense feed-forward network that does as many
/// multiplications per token, in turns in one run, so that their ratio survives a noisy machine.
public final class MoeLayerBench {
  private static final double WEIGHT_DEVIATION = 0.03;
  private static final double ROUTER_DEVIATION = 0.05;
  private static final int WARM_UP = 2;

  private MoeLayerBench() {}

  /// What is measured.
  ///
  /// @param shape of the layer
  /// @param precision of weights and tokens
  /// @param load how tokens fall on experts
  /// @param repeats timed turns, after two that warm up
  public record Setting(LayerShape shape, DType precision, Load load, int repeats) {}

  /// Sizes of the layer and its batch.
  ///
  /// @param experts how many there are
  /// @param perToken how many a token uses
  public record LayerShape(long tokens, long hidden, long intermediate, int experts, int perToken) {
    /// 4096 tokens, hidden 512, intermediate 1792, 8 experts of which a token uses 2.
    public static LayerShape usual() {
      return new LayerShape(4096, 512, 1792, 8, 2);
    }
  }

  /// How tokens fall on experts.
  public enum Load {
    /// As a random router sends them.
    EVEN,
    /// Most to one expert, next to none to another.
    SKEWED
  }

  /// Medians of forward plus backward.
  ///
  /// @param wallMillis on the clock
  /// @param cpuMillis of all threads; holds where other programs share the machine
  public record Times(double wallMillis, double cpuMillis) {}

  /// What was measured.
  ///
  /// @param dense the dense network
  /// @param sparse the layer of experts
  /// @param counts assignments per expert
  public record Result(Setting setting, Times dense, Times sparse, List<Long> counts) {
    /// Keeps the counts as they are.
    public Result {
      counts = List.copyOf(counts);
    }

    /// Time of the layer of experts in units of the dense network's.
    public double ratio() {
      return sparse.wallMillis() / dense.wallMillis();
    }

    /// The same of processor time.
    public double cpuRatio() {
      return sparse.cpuMillis() / dense.cpuMillis();
    }

    /// Tokens per second of the layer of experts.
    public double tokensPerSecond() {
      return setting.shape().tokens() / (sparse.wallMillis() / 1e3);
    }
  }

  /// Measures on a device.
  public static Result run(Setting setting, Device device) {
    try (TensorScope _ = TensorScope.open()) {
      Weights weights = new Weights(setting, device);
      List<Times> dense = new ArrayList<>();
      List<Times> sparse = new ArrayList<>();
      for (int turn = -WARM_UP; turn < setting.repeats(); turn++) {
        Times denseTimes = time(weights, () -> weights.dense.forward(weights.x));
        Times sparseTimes = time(weights, weights::moe);
        if (turn >= 0) {
          dense.add(denseTimes);
          sparse.add(sparseTimes);
        }
      }
      long[] counts = weights.layer.router().route(weights.x, RoutingPass.Infer.ofAll()).counts();
      return new Result(
          setting, median(dense), median(sparse), Arrays.stream(counts).boxed().toList());
    }
  }

  private static Times time(Weights weights, Supplier<Tensor> forward) {
    weights.tracked.forEach(Gradients::clear);
    long start = System.nanoTime();
    Duration busy = cpuTime();
    try (TensorScope _ = TensorScope.open()) {
      Gradients.backward(forward.get(), weights.derivative);
      // Reading a number waits for a device that computes on its own.
      Gradients.find(weights.x).ifPresent(gradient -> gradient.sum().item());
    }
    double cpuMillis = cpuTime().minus(busy).toNanos() / 1e6;
    return new Times((System.nanoTime() - start) / 1e6, cpuMillis);
  }

  private static Duration cpuTime() {
    return ProcessHandle.current().info().totalCpuDuration().orElse(Duration.ZERO);
  }

  private static Times median(List<Times> times) {
    return new Times(
        Median.of(times.stream().mapToDouble(Times::wallMillis)),
        Median.of(times.stream().mapToDouble(Times::cpuMillis)));
  }

  private static final class Weights {
    private final Setting setting;
    private final Device device;
    private final Tensor x;
    private final Tensor derivative;
    private final FeedForward dense;
    private final MoeLayer layer;
    private final List<Tensor> tracked;
    private long seed = 1;

    Weights(Setting setting, Device device) {
      this.setting = setting;
      this.device = device;
      LayerShape shape = setting.shape();
      long wide = shape.perToken() * shape.intermediate();
      this.x = leaf(shift(draw(1, shape.tokens(), shape.hidden())));
      this.derivative = draw(1, shape.tokens(), shape.hidden()).to(setting.precision()).to(device);
      Tensor gateUp = leaf(draw(WEIGHT_DEVIATION, 2 * wide, shape.hidden()));
      Tensor down = leaf(draw(WEIGHT_DEVIATION, shape.hidden(), wide));
      this.dense = new FeedForward.FusedGated(Linear.of(gateUp), Linear.of(down), Activation.SILU);
      Tensor router = leaf(tilt(draw(ROUTER_DEVIATION, shape.experts(), shape.hidden())));
      Tensor ups =
          leaf(draw(WEIGHT_DEVIATION, shape.experts(), 2 * shape.intermediate(), shape.hidden()));
      Tensor downs =
          leaf(draw(WEIGHT_DEVIATION, shape.experts(), shape.hidden(), shape.intermediate()));
      var form = new ExpertWeights.Form(ExpertWeights.Gating.GATED, Activation.SILU);
      this.layer =
          new MoeLayer(
              Router.of(Router.Form.topK(shape.perToken()), router),
              Experts.fastest(new ExpertWeights.Stacked(form, ups, downs, null)),
              null);
      this.tracked = List.of(x, gateUp, down, router, ups, downs);
    }

    Tensor moe() {
      return layer.forward(x, RoutingPass.Infer.ofAll()).hidden();
    }

    private Tensor draw(double deviation, long... shape) {
      return Tensors.normal(seed++, shape).times(deviation);
    }

    private Tensor leaf(Tensor values) {
      return Gradients.track(values.to(setting.precision()).to(device));
    }

    /// Tokens with a common part, so that a tilted router favours some experts.
    private Tensor shift(Tensor tokens) {
      return setting.load() == Load.SKEWED ? tokens.plus(0.5) : tokens;
    }

    private Tensor tilt(Tensor router) {
      if (setting.load() == Load.EVEN) {
        return router;
      }
      float[] slopes = new float[setting.shape().experts()];
      slopes[0] = 0.02f;
      slopes[slopes.length / 2] = -0.02f;
      return router.plus(Tensors.of(slopes, slopes.length, 1));
    }
  }
}
