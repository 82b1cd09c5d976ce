package dev.upcycle.kernels.tensor;

import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.pytorch.StringViewOptional;

/// What a [Tensor] computes of each element by itself, or of two elements at the same place.
///
/// Shapes may differ in dimensions of size 1, which are repeated.
abstract sealed class ElementOperations permits Tensor {
  abstract org.bytedeco.pytorch.Tensor handle();

  public Tensor plus(Tensor other) {
    return Native.run("add", () -> handle().add(other.handle()));
  }

  public Tensor plus(double value) {
    return Native.run("add", () -> handle().add(Native.scalar(value)));
  }

  /// Integers stay integers.
  public Tensor plus(long value) {
    return Native.run("add", () -> handle().add(Native.scalar(value)));
  }

  public Tensor minus(Tensor other) {
    return Native.run("sub", () -> handle().sub(other.handle()));
  }

  public Tensor times(Tensor other) {
    return Native.run("mul", () -> handle().mul(other.handle()));
  }

  public Tensor times(double value) {
    return Native.run("mul", () -> handle().mul(Native.scalar(value)));
  }

  /// Integers stay integers.
  public Tensor times(long value) {
    return Native.run("mul", () -> handle().mul(Native.scalar(value)));
  }

  public Tensor over(Tensor other) {
    return Native.run("div", () -> handle().div(other.handle()));
  }

  public Tensor over(double value) {
    return Native.run("div", () -> handle().div(Native.scalar(value)));
  }

  /// Integer quotient, rounded down.
  public Tensor floorOver(long value) {
    return Native.run(
        "div",
        () -> handle().div(Native.scalar(value), new StringViewOptional(new BytePointer("floor"))));
  }

  public Tensor negated() {
    return Native.run("neg", () -> handle().neg());
  }

  public Tensor square() {
    return Native.run("square", () -> handle().square());
  }

  public Tensor sqrt() {
    return Native.run("sqrt", () -> handle().sqrt());
  }

  /// One over the square root.
  public Tensor rsqrt() {
    return Native.run("rsqrt", () -> handle().rsqrt());
  }

  public Tensor reciprocal() {
    return Native.run("reciprocal", () -> handle().reciprocal());
  }

  public Tensor exp() {
    return Native.run("exp", () -> handle().exp());
  }

  public Tensor log() {
    return Native.run("log", () -> handle().log());
  }

  public Tensor abs() {
    return Native.run("abs", () -> handle().abs());
  }

  /// Values below `low` raised to it, values above `high` lowered to it.
  public Tensor clamp(double low, double high) {
    return Native.run(
        "clamp",
        () ->
            handle()
                .clamp(
                    new org.bytedeco.pytorch.ScalarOptional(Native.scalar(low)),
                    new org.bytedeco.pytorch.ScalarOptional(Native.scalar(high))));
  }

  public Tensor isEqualTo(long value) {
    return Native.run("eq", () -> handle().eq(Native.scalar(value)));
  }

  public Tensor isGreaterThan(Tensor other) {
    return Native.run("gt", () -> handle().gt(other.handle()));
  }

  public Tensor isAtMost(Tensor other) {
    return Native.run("le", () -> handle().le(other.handle()));
  }

  /// Where both are true.
  public Tensor and(Tensor other) {
    return Native.run("logical_and", () -> handle().logical_and(other.handle()));
  }

  /// Where this is false.
  public Tensor not() {
    return Native.run("logical_not", () -> handle().logical_not());
  }

  /// A copy with `value` wherever the mask is true.
  public Tensor maskedFill(Tensor mask, double value) {
    return Native.run(
        "masked_fill", () -> handle().masked_fill(mask.handle(), Native.scalar(value)));
  }
}
