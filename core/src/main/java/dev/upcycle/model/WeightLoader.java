package dev.upcycle.model;

import dev.upcycle.checkpoint.GatheredTensor;
import dev.upcycle.checkpoint.TensorEntry;
import dev.upcycle.checkpoint.write.Cast;
import dev.upcycle.kernels.tensor.DType;
import dev.upcycle.kernels.tensor.Device;
import dev.upcycle.kernels.tensor.MappedFile;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.TensorScope;
import dev.upcycle.kernels.tensor.Tensors;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/// Brings tensors of a checkpoint into a type and onto a device.
///
/// A tensor that needs neither is a view of its file, which stays mapped as long as the view lives.
/// Any other is a copy, and the pages that it was made from are let go at once; so is one whose
/// elements do not lie in row-major order. Closing the loader ends its own claims on the files.
final class WeightLoader implements AutoCloseable {
  private static final int SLICE_ELEMENTS = 1 << 20;

  private final ModelOptions options;
  private final Map<Path, MappedFile> shared = new HashMap<>();

  WeightLoader(ModelOptions options) {
    this.options = options;
  }

  /// The whole tensor, in the current scope.
  Tensor load(TensorEntry entry) {
    long[] shape = entry.shape().dimensions().stream().mapToLong(Long::longValue).toArray();
    return entry.contiguous()
        ? load(entry, entry.offset(), shape)
        : gathered(entry, 0, entry.shape().elements()).view(shape);
  }

  /// Consecutive rows of a matrix, in the current scope.
  Tensor loadRows(TensorEntry entry, long first, long count) {
    long width = entry.shape().dimension(1);
    if (!entry.contiguous()) {
      long start = Math.multiplyExact(first, width);
      return gathered(entry, start, Math.multiplyExact(count, width)).view(count, width);
    }
    long before = Math.multiplyExact(Math.multiplyExact(first, width), dtype(entry).bytes());
    return load(entry, Math.addExact(entry.offset(), before), count, width);
  }

  private Tensor load(TensorEntry entry, long offset, long... shape) {
    DType stored = dtype(entry);
    if (stored == options.compute() && options.device().equals(Device.CPU)) {
      return shared.computeIfAbsent(entry.file(), MappedFile::open).tensor(offset, stored, shape);
    }
    try (TensorScope scope = TensorScope.open();
        MappedFile file = MappedFile.open(entry.file())) {
      return scope.keep(
          file.tensor(offset, stored, shape).to(options.compute()).to(options.device()));
    }
  }

  /// Consecutive elements, in row-major order.
  private Tensor gathered(TensorEntry entry, long first, long count) {
    Cast cast = new Cast(entry.dtype(), dev.upcycle.checkpoint.DType.F32);
    try (TensorScope scope = TensorScope.open();
        GatheredTensor source = GatheredTensor.open(entry)) {
      Tensor all = Tensors.zeros(options.compute(), options.device(), count);
      int slice;
      for (long done = 0; done < count; done += slice) {
        slice = (int) Math.min(SLICE_ELEMENTS, count - done);
        ByteBuffer stored = ByteBuffer.allocate(slice * cast.fromBytes());
        source.read(first + done, stored);
        ByteBuffer wide = ByteBuffer.allocate(slice * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        cast.apply(stored.flip(), wide);
        float[] values = new float[slice];
        wide.flip().asFloatBuffer().get(values);
        try (TensorScope _ = TensorScope.open()) {
          all.narrow(0, done, slice).copyInPlace(Tensors.of(values, slice));
        }
      }
      return scope.keep(all);
    }
  }

  /// The kernels' name of a stored type.
  static DType dtype(TensorEntry entry) {
    return switch (entry.dtype()) {
      case F32 -> DType.F32;
      case F64 -> DType.F64;
      case F16 -> DType.F16;
      case BF16 -> DType.BF16;
      default -> throw new IllegalStateException(entry.name() + " is " + entry.dtype());
    };
  }

  @Override
  public void close() {
    shared.values().forEach(MappedFile::close);
    shared.clear();
  }
}
