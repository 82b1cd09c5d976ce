package dev.upcycle.kernels.parity;

import dev.upcycle.kernels.ffn.Linear;
import dev.upcycle.kernels.tensor.DType;
import dev.upcycle.kernels.tensor.Device;
import dev.upcycle.kernels.tensor.Gradients;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.Tensors;
import java.util.ArrayList;
import java.util.List;

/// Makes a case's inputs: the same numbers, in the same order, on any device.
final class Inputs {
  private static final long DISTURBANCE_SEED = 1_000_000;

  private final Device device;
  private final DType rounding;
  private final DType dtype;
  private final double disturbance;
  private final List<Tensor> leaves = new ArrayList<>();
  private long seed = 1;

  private Inputs(Device device, DType rounding, DType dtype, double disturbance) {
    this.device = device;
    this.rounding = rounding;
    this.dtype = dtype;
    this.disturbance = disturbance;
  }

  static Inputs on(Device device, DType dtype) {
    return new Inputs(device, dtype, dtype, 0);
  }

  /// With relative noise on every draw: what must be noticed.
  static Inputs disturbed(double noise) {
    return new Inputs(Device.CPU, DType.F32, DType.F32, noise);
  }

  /// The numbers of a narrower type, to be computed with in float32.
  static Inputs widened(DType rounding) {
    return new Inputs(Device.CPU, rounding, DType.F32, 0);
  }

  Device device() {
    return device;
  }

  DType dtype() {
    return dtype;
  }

  /// Normal draws of the case's type.
  Tensor normal(double deviation, long... shape) {
    return draw(deviation, shape).to(rounding).to(dtype).to(device);
  }

  /// Normal draws in float32 whatever the case's type.
  Tensor wide(double deviation, long... shape) {
    return draw(deviation, shape).to(device);
  }

  /// Normal draws whose gradient is a result.
  Tensor leaf(double deviation, long... shape) {
    Tensor leaf = Gradients.track(normal(deviation, shape));
    leaves.add(leaf);
    return leaf;
  }

  Linear map(long out, long in) {
    return new Linear(leaf(0.3, out, in), leaf(0.3, out));
  }

  Tensor integers(long... values) {
    return Tensors.of(values).to(device);
  }

  Tensor numbers(float... values) {
    return Tensors.of(values, values.length).to(device);
  }

  /// A result and the gradients of all leaves when it is differentiated along a fixed direction.
  List<Tensor> withGradients(Tensor result) {
    Gradients.backward(result, normal(1, result.shape()).to(result.dtype()));
    List<Tensor> results = new ArrayList<>();
    results.add(Gradients.detach(result));
    results.addAll(gradients());
    return results;
  }

  /// The gradients that the leaves have collected.
  List<Tensor> gradients() {
    return leaves.stream().flatMap(leaf -> Gradients.find(leaf).stream()).toList();
  }

  private Tensor draw(double deviation, long... shape) {
    Tensor values = Tensors.normal(seed, shape).times(deviation);
    Tensor noise = Tensors.normal(DISTURBANCE_SEED + seed, shape).times(disturbance).plus(1.0);
    seed++;
    return disturbance == 0 ? values : values.times(noise);
  }
}
