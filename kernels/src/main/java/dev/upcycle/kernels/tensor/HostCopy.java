package dev.upcycle.kernels.tensor;

import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/// Elements of a tensor as arrays of the host; frees what it needs on the way.
final class HostCopy {
  private HostCopy() {}

  static float[] floats(Tensor tensor) {
    try (PointerScope _ = new PointerScope()) {
      Tensor host = onHost(tensor, ScalarType.Float);
      float[] values = new float[Math.toIntExact(host.numel())];
      if (values.length > 0) {
        host.data_ptr_float().get(values);
      }
      return values;
    }
  }

  static long[] longs(Tensor tensor) {
    try (PointerScope _ = new PointerScope()) {
      Tensor host = onHost(tensor, ScalarType.Long);
      long[] values = new long[Math.toIntExact(host.numel())];
      if (values.length > 0) {
        host.data_ptr_long().get(values);
      }
      return values;
    }
  }

  static byte[] bytes(Tensor tensor) {
    try (PointerScope _ = new PointerScope()) {
      Tensor host = onHost(tensor, tensor.scalar_type());
      byte[] values = new byte[Math.toIntExact(host.nbytes())];
      if (values.length > 0) {
        new BytePointer(host.data_ptr()).capacity(values.length).get(values);
      }
      return values;
    }
  }

  private static Tensor onHost(Tensor tensor, ScalarType type) {
    return tensor.detach().to(Native.device(Device.CPU), type).contiguous();
  }
}
