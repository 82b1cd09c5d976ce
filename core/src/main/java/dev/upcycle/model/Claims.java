package dev.upcycle.model;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.Consumer;

/// What a model in the making owns: closed, the last first, unless the model came about and took it
/// over.
final class Claims implements AutoCloseable {
  private final Deque<Runnable> closings = new ArrayDeque<>();

  /// Owns a part from here on and returns it.
  ///
  /// @param close how the part is closed
  <T> T own(T part, Consumer<T> close) {
    closings.push(() -> close.accept(part));
    return part;
  }

  /// Leaves all that is owned to the model that was made of it, and returns the model.
  <T> T handOver(T model) {
    closings.clear();
    return model;
  }

  @Override
  public void close() {
    while (!closings.isEmpty()) {
      closings.pop().run();
    }
  }
}
