package dev.upcycle.kernels.tensor;

import static org.bytedeco.pytorch.global.torch.from_file;

import dev.upcycle.kernels.UnreadableFileException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.LongOptional;

/// A file whose bytes are tensors without being copied, of any size.
///
/// The mapping is private: writing to such a tensor changes memory, never the file. It lives until
/// this object is closed and the scopes of all its tensors are, whichever comes last.
public final class MappedFile implements AutoCloseable {
  private final Path path;
  private final long bytes;
  private final TensorScope owner = TensorScope.detached();
  private final Tensor raw;

  private MappedFile(Path path, long bytes) {
    this.path = path;
    this.bytes = bytes;
    try (TensorScope _ = TensorScope.open()) {
      this.raw =
          owner.hold(
              Native.run(
                  "map " + path,
                  () ->
                      from_file(
                          path.toString(),
                          new BoolOptional(false),
                          new LongOptional(bytes),
                          Native.options(DType.U8, Device.CPU))));
    }
  }

  /// Maps a file that holds at least one byte.
  ///
  /// @throws UnreadableFileException when it cannot be read or is empty
  public static MappedFile open(Path path) {
    long bytes;
    try {
      bytes = Files.size(path);
    } catch (IOException e) {
      throw new UnreadableFileException("cannot map %s: %s".formatted(path, e), e);
    }
    if (bytes == 0) {
      throw new UnreadableFileException("cannot map %s: the file is empty".formatted(path));
    }
    if (!Files.isReadable(path)) {
      throw new UnreadableFileException("cannot map %s: it may not be read".formatted(path));
    }
    return new MappedFile(path, bytes);
  }

  /// The bytes from `offset` on as a tensor of the current scope.
  ///
  /// An offset that the element type's width divides gives a view of the file; any other gives a
  /// copy, since processors may refuse to compute on such addresses.
  ///
  /// @throws UnreadableFileException when the tensor would reach past the end of the file
  public Tensor tensor(long offset, DType dtype, long... shape) {
    long length = dtype.bytes();
    for (long size : shape) {
      length = Math.multiplyExact(length, size);
    }
    if (offset < 0 || length < 0 || offset > bytes - length) {
      throw new UnreadableFileException(
          "%s: a tensor of %d bytes at offset %d passes the end of the file at %d"
              .formatted(path, length, offset, bytes));
    }
    Tensor window = raw.narrow(0, offset, length);
    Tensor aligned = offset % dtype.bytes() == 0 ? window : window.copy();
    return (dtype == DType.U8 ? aligned : aligned.viewAs(dtype)).view(shape);
  }

  @Override
  public void close() {
    owner.close();
  }
}
