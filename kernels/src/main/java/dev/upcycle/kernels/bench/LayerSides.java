package dev.upcycle.kernels.bench;

import dev.upcycle.kernels.bench.MoeLayerBench.LayerShape;
import dev.upcycle.kernels.bench.MoeLayerBench.Load;
import dev.upcycle.kernels.bench.MoeLayerBench.Setting;
import dev.upcycle.kernels.ffn.Activation;
import dev.upcycle.kernels.ffn.FeedForward;
import dev.upcycle.kernels.ffn.Linear;
import dev.upcycle.kernels.moe.ExpertWeights;
import dev.upcycle.kernels.moe.Experts;
import dev.upcycle.kernels.moe.MoeLayer;
import dev.upcycle.kernels.moe.Router;
import dev.upcycle.kernels.moe.RoutingPass;
import dev.upcycle.kernels.tensor.Device;
import dev.upcycle.kernels.tensor.Gradients;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.TensorScope;
import dev.upcycle.kernels.tensor.Tensors;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.Stream;

/// A layer of experts and the dense network of equal work, with random weights that belong to the
/// scope in which they were made; each does forward and backward over the same tokens.
final class LayerSides {
  private static final double WEIGHT_DEVIATION = 0.03;
  private static final double ROUTER_DEVIATION = 0.05;

  private final Setting setting;
  private final Device device;
  private final List<Tensor> tracked = new ArrayList<>();
  private final Tensor x;
  private final Tensor derivative;
  private final FeedForward dense;
  private final MoeLayer layer;
  private long seed = 1;

  LayerSides(Setting setting, Device device) {
    this.setting = setting;
    this.device = device;
    LayerShape shape = setting.shape();
    this.x = leaf(shift(draw(1, shape.tokens(), shape.hidden())));
    this.derivative = draw(1, shape.tokens(), shape.hidden()).to(setting.precision()).to(device);
    this.dense = network(shape.perToken() * shape.intermediate());
    Tensor router = leaf(tilt(draw(ROUTER_DEVIATION, shape.experts(), shape.hidden())));
    this.layer =
        new MoeLayer(
            Router.of(Router.Form.topK(shape.perToken()), router),
            Experts.fastest(experts()),
            null);
  }

  /// Forward and backward of the dense network.
  void dense() {
    run(() -> dense.forward(x));
  }

  /// Forward and backward of the layer of experts.
  void sparse() {
    run(() -> layer.forward(x, RoutingPass.Infer.ofAll()).hidden());
  }

  /// Tokens of each expert.
  long[] counts() {
    return layer.router().route(x, RoutingPass.Infer.ofAll()).counts();
  }

  private void run(Supplier<Tensor> forward) {
    try (TensorScope _ = TensorScope.open()) {
      Gradients.backward(forward.get(), derivative);
      // Reading a number waits for a device that computes on its own.
      Gradients.find(x).ifPresent(gradient -> gradient.sum().item());
      tracked.forEach(Gradients::clear);
    }
  }

  private FeedForward network(long intermediate) {
    long hidden = setting.shape().hidden();
    return switch (setting.form()) {
      case SEPARATE ->
          new FeedForward.Gated(
              map(intermediate, hidden),
              map(intermediate, hidden),
              map(hidden, intermediate),
              Activation.SILU);
      case STACKED ->
          new FeedForward.FusedGated(
              map(2 * intermediate, hidden), map(hidden, intermediate), Activation.SILU);
    };
  }

  private ExpertWeights experts() {
    LayerShape shape = setting.shape();
    return switch (setting.form()) {
      case SEPARATE ->
          new ExpertWeights.Separate(
              Stream.generate(() -> network(shape.intermediate())).limit(shape.experts()).toList());
      case STACKED ->
          new ExpertWeights.Stacked(
              new ExpertWeights.Form(ExpertWeights.Gating.GATED, Activation.SILU),
              weight(shape.experts(), 2 * shape.intermediate(), shape.hidden()),
              weight(shape.experts(), shape.hidden(), shape.intermediate()),
              null);
    };
  }

  private Linear map(long out, long in) {
    return Linear.of(weight(out, in));
  }

  private Tensor weight(long... sizes) {
    return leaf(draw(WEIGHT_DEVIATION, sizes));
  }

  private Tensor draw(double deviation, long... sizes) {
    return Tensors.normal(seed++, sizes).times(deviation);
  }

  private Tensor leaf(Tensor values) {
    Tensor leaf = Gradients.track(values.to(setting.precision()).to(device));
    tracked.add(leaf);
    return leaf;
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
