package dev.upcycle.kernels.tensor;

import dev.upcycle.kernels.KernelException;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.MemoryFormatOptional;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.T_TensorTensor_T;

/// An array of numbers in LibTorch's memory.
///
/// Dimensions are outermost first; a negative one counts from the end. Operations give new tensors
/// that belong to the innermost open [TensorScope]; those whose name ends in `InPlace` change this
/// one. Arithmetic of single elements is inherited. Gradients are in [Gradients], functions of
/// networks in [Functions], factories in [Tensors].
public final class Tensor extends ElementOperations {
  private final org.bytedeco.pytorch.Tensor handle;

  Tensor(org.bytedeco.pytorch.Tensor handle) {
    this.handle = handle;
  }

  @Override
  org.bytedeco.pytorch.Tensor handle() {
    if (handle.isNull()) {
      throw new KernelException(
          "a tensor was used after its TensorScope had closed; keep or hold it to use it longer");
    }
    return handle;
  }

  /// Sizes of all dimensions.
  public long[] shape() {
    return Native.call("shape", () -> handle().shape());
  }

  /// Size of one dimension.
  public long size(int dimension) {
    return Native.call("size", () -> handle().size(dimension));
  }

  /// Number of dimensions.
  public int rank() {
    return Native.call("rank", () -> Math.toIntExact(handle().dim()));
  }

  /// Number of elements.
  public long elements() {
    return Native.call("elements", () -> handle().numel());
  }

  /// Element type.
  public DType dtype() {
    return Native.call("dtype", () -> Native.dtype(handle().scalar_type()));
  }

  /// Where the elements are.
  public Device device() {
    return Native.call("device", () -> Native.device(handle().device()));
  }

  /// Address of the first element, to tell a view from a copy.
  public long address() {
    return Native.call("address", () -> handle().data_ptr().address());
  }

  /// Whether both have the same shape and the same numbers, bit for bit but for signed zeros.
  public boolean isEqualTo(Tensor other) {
    return Native.call("equal", () -> handle().equal(other.handle()));
  }

  /// The only element.
  public double item() {
    return Native.call("item", () -> handle().item_double());
  }

  /// All elements in order, rounded to float32; waits for the device.
  public float[] toFloats() {
    return Native.call("toFloats", () -> HostCopy.floats(handle()));
  }

  /// All elements in order as integers; waits for the device.
  public long[] toLongs() {
    return Native.call("toLongs", () -> HostCopy.longs(handle()));
  }

  /// The bytes of all elements in order, as memory holds them; waits for the device.
  public byte[] toBytes() {
    return Native.call("toBytes", () -> HostCopy.bytes(handle()));
  }

  /// The same numbers in another element type; this tensor when it has it already.
  public Tensor to(DType dtype) {
    return dtype() == dtype ? this : Native.run("to", () -> handle().to(dtype.scalarType()));
  }

  /// The same numbers on another device; this tensor when it is there already.
  public Tensor to(Device device) {
    return device().equals(device)
        ? this
        : Native.run("to", () -> handle().to(Native.device(device), handle().scalar_type()));
  }

  /// The same numbers of the host on another device; this tensor when it is there already.
  ///
  /// To a GPU they go through page-locked memory, so that the host does not wait for them; LibTorch
  /// keeps that memory until they have arrived.
  public Tensor send(Device device) {
    return switch (device.kind()) {
      case CPU -> to(device);
      case CUDA ->
          device().equals(device)
              ? this
              : Native.run("pin_memory", () -> handle().pin_memory()).sendPinned(device);
    };
  }

  private Tensor sendPinned(Device device) {
    return Native.run(
        "to",
        () ->
            handle()
                .to(
                    Native.device(device),
                    handle().scalar_type(),
                    true,
                    false,
                    new MemoryFormatOptional()));
  }

  /// The bytes seen as another element type of the same width, or as the last dimension allows.
  public Tensor viewAs(DType dtype) {
    return Native.run("viewAs", () -> handle().view(dtype.scalarType()));
  }

  /// A copy in memory of its own.
  public Tensor copy() {
    return Native.run("clone", () -> handle().clone());
  }

  /// Whether memory holds the elements in order without gaps.
  public boolean isContiguous() {
    return Native.call("isContiguous", () -> handle().is_contiguous());
  }

  /// The elements in order without gaps.
  public Tensor contiguous() {
    return Native.run("contiguous", () -> handle().contiguous());
  }

  /// Sum of all elements.
  public Tensor sum() {
    return Native.run("sum", () -> handle().sum());
  }

  /// Sum over one dimension, which stays with size 1.
  public Tensor sumKeeping(int dimension) {
    return Native.run(
        "sum", () -> handle().sum(new long[] {dimension}, true, new ScalarTypeOptional()));
  }

  /// Sum over one dimension, which goes.
  public Tensor sum(int dimension) {
    return Native.run(
        "sum", () -> handle().sum(new long[] {dimension}, false, new ScalarTypeOptional()));
  }

  /// Mean of all elements.
  public Tensor mean() {
    return Native.run("mean", () -> handle().mean());
  }

  /// Mean over one dimension, which stays with size 1.
  public Tensor meanKeeping(int dimension) {
    return Native.run(
        "mean", () -> handle().mean(new long[] {dimension}, true, new ScalarTypeOptional()));
  }

  /// Mean over one dimension, which goes.
  public Tensor mean(int dimension) {
    return Native.run(
        "mean", () -> handle().mean(new long[] {dimension}, false, new ScalarTypeOptional()));
  }

  /// Largest element.
  public Tensor max() {
    return Native.run("max", () -> handle().max());
  }

  /// Where the largest element of the last dimension is; the first one wins a tie on the CPU.
  public Tensor argmax() {
    return Native.run("argmax", () -> handle().argmax(new LongOptional(-1), false));
  }

  /// The `count` largest of the last dimension, largest first.
  public TopK topK(long count) {
    return Native.call(
        "topk",
        () -> {
          Native.requireScope("topk");
          T_TensorTensor_T pair = handle().topk(count, -1, true, true);
          return new TopK(Native.copyOfHandle(pair.get0()), Native.copyOfHandle(pair.get1()));
        });
  }

  /// Where ascending order takes its elements from along the last dimension; equals keep their
  /// order.
  public Tensor stableOrder() {
    return Native.run("argsort", () -> handle().argsort(true, -1, false));
  }

  /// Slices of a dimension in the order of an index vector.
  public Tensor indexSelect(int dimension, Tensor index) {
    return Native.run("index_select", () -> handle().index_select(dimension, index.handle()));
  }

  /// A copy with slices of `source` added where the index vector says.
  public Tensor indexAdd(int dimension, Tensor index, Tensor source) {
    return Native.run(
        "index_add", () -> handle().index_add(dimension, index.handle(), source.handle()));
  }

  /// Elements picked along a dimension.
  public Tensor gather(int dimension, Tensor index) {
    return Native.run("gather", () -> handle().gather(dimension, index.handle()));
  }

  /// A copy with elements of `source` put along a dimension.
  public Tensor scatter(int dimension, Tensor index, Tensor source) {
    return Native.run(
        "scatter", () -> handle().scatter(dimension, index.handle(), source.handle()));
  }

  /// Coordinates of the elements that are not zero, `[count, rank]`; waits for the device.
  public Tensor nonzero() {
    return Native.run("nonzero", () -> handle().nonzero());
  }

  /// Matrix product over the last two dimensions.
  public Tensor matmul(Tensor other) {
    return Native.run("matmul", () -> handle().matmul(other.handle()));
  }

  /// The same elements in another shape, without a copy.
  public Tensor view(long... shape) {
    return Native.run("view", () -> handle().view(shape));
  }

  /// The same elements in another shape, copied where they must be.
  public Tensor reshape(long... shape) {
    return Native.run("reshape", () -> handle().reshape(shape));
  }

  /// Two dimensions exchanged.
  public Tensor transpose(int first, int second) {
    return Native.run("transpose", () -> handle().transpose(first, second));
  }

  /// Dimensions in another order.
  ///
  /// @param order which dimension each place takes
  public Tensor permute(long... order) {
    return Native.run("permute", () -> handle().permute(order));
  }

  /// Dimensions of size 1 repeated, without a copy.
  public Tensor expand(long... shape) {
    return Native.run("expand", () -> handle().expand(shape));
  }

  /// With a new dimension of size 1.
  public Tensor unsqueeze(int dimension) {
    return Native.run("unsqueeze", () -> handle().unsqueeze(dimension));
  }

  /// Without a dimension of size 1.
  public Tensor squeeze(int dimension) {
    return Native.run("squeeze", () -> handle().squeeze((long) dimension));
  }

  /// A window of a dimension, without a copy.
  ///
  /// Not for a loop over parts under autograd: the backward of each window writes a whole zero
  /// tensor. Use [#split] or [#unbind] there.
  public Tensor narrow(int dimension, long start, long length) {
    return Native.run("narrow", () -> handle().narrow(dimension, start, length));
  }

  /// Consecutive windows of a dimension with one backward for all.
  public List<Tensor> split(int dimension, long... sizes) {
    return Native.runList("split", () -> handle().split_with_sizes(sizes, dimension));
  }

  /// All slices of a dimension with one backward for all.
  public List<Tensor> unbind(int dimension) {
    return Native.runList("unbind", () -> handle().unbind(dimension));
  }

  /// Overwrites this tensor's elements with another's.
  public Tensor copyInPlace(Tensor source) {
    Native.call("copy", () -> handle().copy_(source.handle()));
    return this;
  }

  /// Multiplies this tensor's elements.
  public Tensor timesInPlace(double value) {
    Native.call("mul", () -> handle().mul_(Native.scalar(value)));
    return this;
  }

  /// Adds to this tensor's elements.
  public Tensor plusInPlace(Tensor other) {
    Native.call("add", () -> handle().add_(other.handle()));
    return this;
  }

  /// As `F32[4, 512] on cpu`, for messages.
  @Override
  public String toString() {
    return handle.isNull()
        ? "a closed tensor"
        : dtype() + Arrays.toString(shape()) + " on " + device();
  }
}
