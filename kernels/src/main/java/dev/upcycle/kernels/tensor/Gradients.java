package dev.upcycle.kernels.tensor;

import java.util.Optional;
import org.bytedeco.pytorch.AutoGradMode;
import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.TensorArrayRefOptional;

/// Differentiation in reverse.
public final class Gradients {
  private Gradients() {}

  /// Asks that gradients be collected for this tensor, and returns it.
  public static Tensor track(Tensor leaf) {
    Native.call("requires_grad", () -> leaf.handle().set_requires_grad(true));
    return leaf;
  }

  /// Whether operations on this tensor are recorded.
  public static boolean isTracked(Tensor tensor) {
    return Native.call("requires_grad", () -> tensor.handle().requires_grad());
  }

  /// The same numbers cut off from the graph.
  public static Tensor detach(Tensor tensor) {
    return Native.run("detach", () -> tensor.handle().detach());
  }

  /// Adds the derivatives of a scalar to the gradients of everything tracked that it came from.
  public static void backward(Tensor scalar) {
    Native.call(
        "backward",
        () -> {
          scalar.handle().backward();
          return scalar;
        });
  }

  /// The same for any tensor, given the derivative of the end result with respect to it.
  public static void backward(Tensor tensor, Tensor derivative) {
    Native.call(
        "backward",
        () -> {
          tensor
              .handle()
              .backward(
                  derivative.handle(), new BoolOptional(), false, new TensorArrayRefOptional());
          return tensor;
        });
  }

  /// The gradient collected so far; empty when no backward reached the tensor.
  public static Optional<Tensor> find(Tensor leaf) {
    return Native.call(
        "grad",
        () -> {
          var gradient = leaf.handle().grad();
          return gradient.defined() ? Optional.of(Native.copyOfHandle(gradient)) : Optional.empty();
        });
  }

  /// Forgets the gradient collected so far and frees it.
  public static void clear(Tensor leaf) {
    Native.call(
        "clear",
        () -> {
          leaf.handle().mutable_grad().reset();
          return leaf;
        });
  }

  /// Records nothing on this thread until it is closed.
  public static Pause pause() {
    return new Pause(new AutoGradMode(false));
  }

  /// A stretch in which nothing is recorded; restores what was before.
  public static final class Pause implements AutoCloseable {
    private final AutoGradMode mode;

    private Pause(AutoGradMode mode) {
      this.mode = mode;
    }

    @Override
    public void close() {
      mode.close();
    }
  }
}
