package dev.upcycle.kernels.tensor;

import dev.upcycle.kernels.KernelException;
import java.util.ArrayDeque;
import java.util.Deque;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.jspecify.annotations.Nullable;

/// The only owner of native memory.
///
/// An *open* scope owns every tensor that its thread makes until the scope closes or an inner one
/// opens: one per training step, and one per layer where no graph is recorded. A *detached* scope
/// is current on no thread and owns only what `hold` hands to it: weights, optimizer state, caches.
/// Closing a scope ends its claims; memory is freed with the last claim on it, so a view never
/// outlives what it looks at.
public final class TensorScope implements AutoCloseable {
  private final @Nullable PointerScope pointers;
  private final @Nullable PointerScope enclosing;
  private final Thread thread = Thread.currentThread();
  private final Deque<Pointer> held = new ArrayDeque<>();
  private boolean closed;

  private TensorScope(@Nullable PointerScope pointers, @Nullable PointerScope enclosing) {
    this.pointers = pointers;
    this.enclosing = enclosing;
  }

  /// Opens a scope on this thread, inside the one that is current.
  public static TensorScope open() {
    PointerScope enclosing = PointerScope.getInnerScope();
    return new TensorScope(new PointerScope(), enclosing);
  }

  /// A scope that owns only what [#hold] gives it, on any thread.
  public static TensorScope detached() {
    return new TensorScope(null, null);
  }

  /// Hands a tensor to the scope around this one and returns it.
  ///
  /// @throws KernelException when no scope is around this one
  public Tensor keep(Tensor tensor) {
    if (enclosing == null) {
      throw new KernelException("keep: no TensorScope was open when this one was opened");
    }
    enclosing.attach(tensor.handle());
    return tensor;
  }

  /// Makes this scope an owner of the tensor, beside whoever owns it now, and returns it.
  public synchronized Tensor hold(Tensor tensor) {
    if (closed) {
      throw new KernelException("hold: this TensorScope is closed");
    }
    Pointer handle = tensor.handle();
    handle.retainReference();
    held.push(handle);
    return tensor;
  }

  /// Gives up every claim of this scope.
  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    if (pointers != null && !Thread.currentThread().equals(thread)) {
      throw new KernelException("close: this TensorScope belongs to thread " + thread.getName());
    }
    closed = true;
    while (!held.isEmpty()) {
      held.pop().releaseReference();
    }
    if (pointers != null) {
      pointers.close();
    }
  }
}
