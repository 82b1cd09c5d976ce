package dev.upcycle.model;

import dev.upcycle.kernels.KernelException;
import dev.upcycle.kernels.KernelMemoryException;
import dev.upcycle.kernels.UnreadableFileException;
import java.util.Optional;

/// What stands behind an exception of the kernels, for those who may not know them.
public enum KernelFault {
  /// There is no memory for a tensor.
  MEMORY,
  /// A file of tensors cannot be mapped.
  FILE,
  /// An operation was asked for wrongly, which this program should never do.
  OPERATION;

  /// The fault behind an exception; empty when the kernels did not throw it.
  public static Optional<KernelFault> find(Throwable thrown) {
    return switch (thrown) {
      case KernelMemoryException _ -> Optional.of(MEMORY);
      case UnreadableFileException _ -> Optional.of(FILE);
      case KernelException _ -> Optional.of(OPERATION);
      default -> Optional.empty();
    };
  }
}
