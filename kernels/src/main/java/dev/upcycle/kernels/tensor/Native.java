package dev.upcycle.kernels.tensor;

import dev.upcycle.kernels.KernelException;
import dev.upcycle.kernels.KernelMemoryException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.DeviceOptional;
import org.bytedeco.pytorch.Dispatcher;
import org.bytedeco.pytorch.IValue;
import org.bytedeco.pytorch.IValueVector;
import org.bytedeco.pytorch.OperatorHandle;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch.DeviceType;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/// The one place where native types are converted, and where LibTorch's errors become ours.
final class Native {
  private static final Pattern BACKTRACE =
      Pattern.compile("\n(Exception raised from|frame #).*", Pattern.DOTALL);

  /// What the allocators of processors and of CUDA say, and mmap.
  private static final Pattern NO_MEMORY =
      Pattern.compile(
          "can't allocate memory|not enough memory|out of memory|cannot allocate memory",
          Pattern.CASE_INSENSITIVE);

  private Native() {}

  /// Runs one operation that gives one new tensor.
  static Tensor run(String operation, Supplier<org.bytedeco.pytorch.Tensor> body) {
    requireScope(operation);
    try {
      Tensor tensor = new Tensor(body.get());
      BlasThreads.requireSound();
      return tensor;
    } catch (RuntimeException e) {
      throw translated(operation, e);
    }
  }

  /// Runs one operation that gives a list of tensors.
  static List<Tensor> runList(String operation, Supplier<TensorVector> body) {
    requireScope(operation);
    try {
      TensorVector vector = body.get();
      List<Tensor> tensors = new ArrayList<>(Math.toIntExact(vector.size()));
      for (long i = 0; i < vector.size(); i++) {
        tensors.add(copyOfHandle(vector.get(i)));
      }
      return List.copyOf(tensors);
    } catch (RuntimeException e) {
      throw translated(operation, e);
    }
  }

  /// Runs something that gives no new tensor.
  static <T> T call(String operation, Supplier<T> body) {
    try {
      T result = body.get();
      BlasThreads.requireSound();
      return result;
    } catch (RuntimeException e) {
      throw translated(operation, e);
    }
  }

  /// A handle of its own for a reference that its container owns.
  static Tensor copyOfHandle(org.bytedeco.pytorch.Tensor borrowed) {
    return new Tensor(new org.bytedeco.pytorch.Tensor(borrowed));
  }

  /// Calls an operator that has no Java method, by its schema name.
  static org.bytedeco.pytorch.Tensor boxed(String schema, IValue... arguments) {
    return callBoxed(schema, arguments).get(0).toTensor();
  }

  /// The same for an operator that changes its arguments and gives nothing.
  static void boxedInPlace(String schema, IValue... arguments) {
    callBoxed(schema, arguments);
  }

  private static IValueVector callBoxed(String schema, IValue... arguments) {
    OperatorHandle operator = Dispatcher.singleton().findSchemaOrThrow(schema, "");
    IValueVector stack = new IValueVector(arguments);
    operator.callBoxed(stack);
    return stack;
  }

  static TensorVector vector(List<Tensor> tensors) {
    return new TensorVector(
        tensors.stream().map(Tensor::handle).toArray(org.bytedeco.pytorch.Tensor[]::new));
  }

  static TensorOptional optional(@Nullable Tensor tensor) {
    return tensor == null ? new TensorOptional() : new TensorOptional(tensor.handle());
  }

  static Scalar scalar(double value) {
    return new Scalar(value);
  }

  static Scalar scalar(long value) {
    return new Scalar(value);
  }

  static TensorOptions options(DType dtype, Device device) {
    return new TensorOptions(dtype.scalarType()).device(new DeviceOptional(device(device)));
  }

  static org.bytedeco.pytorch.Device device(Device device) {
    return switch (device.kind()) {
      case CPU -> new org.bytedeco.pytorch.Device(DeviceType.CPU);
      case CUDA -> new org.bytedeco.pytorch.Device(DeviceType.CUDA, (byte) device.index());
    };
  }

  static Device device(org.bytedeco.pytorch.Device device) {
    return device.is_cuda() ? Device.cuda(device.index()) : Device.CPU;
  }

  static DType dtype(ScalarType scalarType) {
    return Arrays.stream(DType.values())
        .filter(dtype -> dtype.scalarType() == scalarType.intern())
        .findFirst()
        .orElseThrow(() -> new KernelException("unsupported element type " + scalarType));
  }

  static void requireScope(String operation) {
    if (PointerScope.getInnerScope() == null) {
      throw new KernelException(
          operation + ": no TensorScope is open on this thread, so nobody would own the result");
    }
  }

  /// An address as a pointer that owns nothing.
  static Pointer address(long address, long bytes) {
    return new Address(address, bytes);
  }

  private static KernelException translated(String operation, RuntimeException e) {
    if (e instanceof KernelException ours) {
      return ours;
    }
    String said = String.valueOf(e.getMessage());
    String message = operation + ": " + BACKTRACE.matcher(said).replaceFirst("");
    KernelException clean =
        NO_MEMORY.matcher(message).find()
            ? new KernelMemoryException(message)
            : new KernelException(message);
    clean.setStackTrace(e.getStackTrace());
    return clean;
  }

  private static final class Address extends Pointer {
    @SuppressWarnings("this-escape")
    Address(long address, long bytes) {
      this.address = address;
      this.limit = bytes;
      this.capacity = bytes;
    }
  }
}
