package dev.upcycle.kernels.parity;

import dev.upcycle.kernels.tensor.DType;
import dev.upcycle.kernels.tensor.Device;
import dev.upcycle.kernels.tensor.Tensor;
import java.util.List;
import java.util.stream.Stream;

/// A computation that must come out alike wherever it runs.
///
/// @param name for messages
/// @param dtype of inputs and weights
/// @param body from inputs to results
record ParityCase(String name, DType dtype, Body body) {
  /// Makes its inputs with what it is given, and gives all results that must agree.
  interface Body {
    List<Tensor> run(Inputs inputs);
  }

  /// The same in float32 and in bfloat16.
  static Stream<ParityCase> inBothTypes(String name, Body body) {
    return Stream.of(new ParityCase(name, DType.F32, body), new ParityCase(name, DType.BF16, body));
  }

  /// In float32 only: the computation is float32 whatever the model's type.
  static ParityCase wide(String name, Body body) {
    return new ParityCase(name, DType.F32, body);
  }

  static Stream<ParityCase> all() {
    return Stream.of(BlockCases.all(), MoeCases.all(), LossCases.all(), OptimCases.all())
        .flatMap(cases -> cases);
  }

  List<Tensor> run(Device device) {
    return body.run(Inputs.on(device, dtype));
  }

  @Override
  public String toString() {
    return name + ", " + dtype;
  }
}
