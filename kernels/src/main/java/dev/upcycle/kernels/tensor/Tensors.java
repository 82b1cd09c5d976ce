package dev.upcycle.kernels.tensor;

import static org.bytedeco.pytorch.global.torch.arange;
import static org.bytedeco.pytorch.global.torch.cat;
import static org.bytedeco.pytorch.global.torch.empty;
import static org.bytedeco.pytorch.global.torch.make_generator_cpu;
import static org.bytedeco.pytorch.global.torch.rand;
import static org.bytedeco.pytorch.global.torch.randn;
import static org.bytedeco.pytorch.global.torch.tensor;

import dev.upcycle.kernels.KernelException;
import java.util.List;
import org.bytedeco.pytorch.GeneratorOptional;
import org.bytedeco.pytorch.MemoryFormatOptional;

/// Where tensors come from.
public final class Tensors {
  private Tensors() {}

  /// float32 numbers of the host in a shape that they fill.
  public static Tensor of(float[] values, long... shape) {
    requireElements(values.length, shape);
    return Native.run(
        "of", () -> tensor(values, Native.options(DType.F32, Device.CPU)).view(shape));
  }

  /// 64-bit integers of the host as a vector.
  public static Tensor of(long... values) {
    return Native.run("of", () -> tensor(values, Native.options(DType.I64, Device.CPU)));
  }

  /// Zeros in the CPU's memory.
  public static Tensor zeros(DType dtype, long... shape) {
    return zeros(dtype, Device.CPU, shape);
  }

  /// Zeros on a device.
  public static Tensor zeros(DType dtype, Device device, long... shape) {
    return Native.run(
        "zeros",
        () -> org.bytedeco.pytorch.global.torch.zeros(shape, Native.options(dtype, device)));
  }

  /// Zeros of another tensor's type and device.
  public static Tensor zerosLike(Tensor like, long... shape) {
    return zeros(like.dtype(), like.device(), shape);
  }

  /// Memory of another tensor's type and device, not yet written.
  public static Tensor emptyLike(Tensor like, long... shape) {
    return Native.run(
        "empty",
        () ->
            empty(shape, Native.options(like.dtype(), like.device()), new MemoryFormatOptional()));
  }

  /// Zeros in the host's memory to copy another tensor's numbers into: page-locked, which a GPU
  /// writes to directly, where that tensor is a GPU's.
  public static Tensor hostLike(Tensor like) {
    Tensor zeros = zeros(like.dtype(), Device.CPU, like.shape());
    return switch (like.device().kind()) {
      case CPU -> zeros;
      case CUDA -> Native.run("pin_memory", () -> zeros.handle().pin_memory());
    };
  }

  /// One number everywhere, in the CPU's memory.
  public static Tensor full(DType dtype, double value, long... shape) {
    return Native.run(
        "full",
        () ->
            org.bytedeco.pytorch.global.torch.full(
                shape, Native.scalar(value), Native.options(dtype, Device.CPU)));
  }

  /// `0, 1, … count - 1` as 64-bit integers.
  public static Tensor range(long count, Device device) {
    return Native.run(
        "arange", () -> arange(Native.scalar(count), Native.options(DType.I64, device)));
  }

  /// Independent standard normal float32 draws; the seed alone decides them.
  public static Tensor normal(long seed, long... shape) {
    return Native.run(
        "randn",
        () ->
            randn(
                shape,
                new GeneratorOptional(make_generator_cpu(seed)),
                Native.options(DType.F32, Device.CPU)));
  }

  /// Independent float32 draws from [0, 1); the seed alone decides them.
  public static Tensor uniform(long seed, long... shape) {
    return Native.run(
        "rand",
        () ->
            rand(
                shape,
                new GeneratorOptional(make_generator_cpu(seed)),
                Native.options(DType.F32, Device.CPU)));
  }

  /// One after the other along a dimension that they have.
  public static Tensor concat(List<Tensor> tensors, int dimension) {
    return tensors.size() == 1
        ? tensors.getFirst()
        : Native.run("cat", () -> cat(Native.vector(tensors), dimension));
  }

  /// One beside the other along a new dimension.
  public static Tensor stack(List<Tensor> tensors, int dimension) {
    return Native.run(
        "stack", () -> org.bytedeco.pytorch.global.torch.stack(Native.vector(tensors), dimension));
  }

  private static void requireElements(long elements, long[] shape) {
    long expected = 1;
    for (long size : shape) {
      expected = Math.multiplyExact(expected, size);
    }
    if (expected != elements) {
      throw new KernelException(
          "of: %d values do not fill a shape of %d elements".formatted(elements, expected));
    }
  }
}
