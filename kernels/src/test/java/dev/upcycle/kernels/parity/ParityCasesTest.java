package dev.upcycle.kernels.parity;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.kernels.ScopePerTest;
import dev.upcycle.kernels.tensor.DType;
import dev.upcycle.kernels.tensor.Device;
import dev.upcycle.kernels.tensor.Tensor;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// That the cases a GPU is held against mean something, on any machine.
@ExtendWith(ScopePerTest.class)
class ParityCasesTest {
  private static final double A_PER_MILLE = 1e-3;
  private static final double A_ROUNDING = Math.scalb(1.0, -23);

  static Stream<ParityCase> wideCases() {
    return ParityCase.all().filter(each -> each.dtype() == DType.F32);
  }

  static Stream<ParityCase> reducedCases() {
    return ParityCase.all().filter(each -> each.dtype().isReduced());
  }

  static Stream<ParityCase> all() {
    return ParityCase.all();
  }

  @ParameterizedTest
  @MethodSource("all")
  void aCaseGivesTheSameBitsTwice(ParityCase each) {
    List<Tensor> once = each.run(Device.CPU);
    List<Tensor> again = each.run(Device.CPU);
    assertThat(Agreement.worst(once, again)).isZero();
  }

  @ParameterizedTest
  @MethodSource("wideCases")
  void aPerMilleOfNoiseOnTheInputsIsNoticed(ParityCase each) {
    List<Tensor> clean = each.run(Device.CPU);
    List<Tensor> noisy = each.body().run(Inputs.disturbed(A_PER_MILLE));
    assertThat(Agreement.worst(clean, noisy)).isGreaterThan(Agreement.bound(DType.F32));
  }

  /// A case that magnified roundings would fail on a GPU without a fault.
  @ParameterizedTest
  @MethodSource("wideCases")
  void aRoundingOfTheInputsStaysWithinHalfTheBound(ParityCase each) {
    List<Tensor> clean = each.run(Device.CPU);
    List<Tensor> rounded = each.body().run(Inputs.disturbed(A_ROUNDING));
    assertThat(Agreement.worst(clean, rounded)).isBetween(1e-9, Agreement.bound(DType.F32) / 2);
  }

  /// Two devices that are each this near to float32 are within the bound of one another.
  @ParameterizedTest
  @MethodSource("reducedCases")
  void bfloat16IsWithinHalfItsBoundOfFloat(ParityCase each) {
    List<Tensor> precise = each.body().run(Inputs.widened(each.dtype()));
    List<Tensor> rounded =
        each.run(Device.CPU).stream().map(ParityCasesTest::inFloatUnlessCounts).toList();
    double worst = Agreement.worst(precise, rounded);
    assertThat(worst).isBetween(1e-9, Agreement.bound(each.dtype()) / 2);
  }

  private static Tensor inFloatUnlessCounts(Tensor result) {
    return result.dtype().isReduced() ? result.to(DType.F32) : result;
  }

  @Test
  void everyCaseHasANameOfItsOwn() {
    assertThat(ParityCase.all().map(ParityCase::toString)).doesNotHaveDuplicates();
  }
}
