package dev.upcycle.model;

import dev.upcycle.kernels.tensor.TensorScope;

/// Holds what a piece of work computes with models until it ends, for callers that know no tensors.
///
/// Of one thread; closing it frees the native memory of everything that was computed since.
public final class Workspace implements AutoCloseable {
  private final TensorScope scope = TensorScope.open();

  private Workspace() {}

  /// Begins a piece of work.
  public static Workspace open() {
    return new Workspace();
  }

  @Override
  public void close() {
    scope.close();
  }
}
