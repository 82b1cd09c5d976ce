package dev.upcycle.train;

import dev.upcycle.kernels.tensor.DType;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.TensorScope;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;

/// Writes tensors of any size, a slice at a time.
final class TensorBytes {
  private static final long SLICE_ELEMENTS = 1 << 22;

  private TensorBytes() {}

  /// Writes all elements in order where the channel stands.
  ///
  /// @param dtype that they are stored in
  static void write(FileChannel channel, Tensor tensor, DType dtype) throws IOException {
    try (TensorScope _ = TensorScope.open()) {
      Tensor flat = tensor.view(-1);
      for (long at = 0; at < flat.elements(); at += SLICE_ELEMENTS) {
        try (TensorScope _ = TensorScope.open()) {
          long length = Math.min(SLICE_ELEMENTS, flat.elements() - at);
          write(channel, ByteBuffer.wrap(flat.narrow(0, at, length).to(dtype).toBytes()));
        }
      }
    }
  }

  /// Writes all bytes.
  static void write(FileChannel channel, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }
}
