package dev.upcycle.kernels.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.kernels.KernelException;
import dev.upcycle.kernels.KernelMemoryException;
import dev.upcycle.kernels.ScopePerTest;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

@ExtendWith(ScopePerTest.class)
class TensorTest {
  @Test
  void memoryThatIsNotThereIsToldWithoutTheBacktrace() {
    assertThatThrownBy(() -> Tensors.zeros(DType.F32, 1L << 60))
        .isInstanceOf(KernelMemoryException.class)
        .hasMessageContaining("allocate")
        .hasMessageNotContaining("frame #");
  }

  @Test
  void numbersThatAreWhereTheyAreSentStayAsTheyAre() {
    Tensor here = Tensors.of(new float[] {3, 1, 4}, 3);
    assertThat(here.send(Device.CPU)).isSameAs(here);
    Tensor copy = Tensors.hostLike(here).copyInPlace(here);
    here.timesInPlace(0);
    assertThat(copy.toFloats()).containsExactly(3, 1, 4);
  }

  @Test
  void anErrorNamesTheOperationAndCarriesNoBacktrace() {
    Tensor a = Tensors.zeros(DType.F32, 2, 3);
    assertThatThrownBy(() -> a.matmul(a))
        .isInstanceOf(KernelException.class)
        .hasMessageStartingWith("matmul: ")
        .hasMessageContaining("2x3")
        .hasMessageNotContaining("Exception raised from")
        .hasMessageNotContaining("frame #");
  }

  @ParameterizedTest
  @MethodSource("refused")
  void everyRefusalIsOursAndCarriesNoBacktrace(String operation, Consumer<Tensor> refused) {
    Tensor x = Tensors.zeros(DType.F32, 2, 3);
    assertThatThrownBy(() -> refused.accept(x))
        .isInstanceOf(KernelException.class)
        .hasMessageStartingWith(operation + ": ")
        .hasMessageNotContaining("Exception raised from")
        .hasMessageNotContaining("frame #");
  }

  static List<Arguments> refused() {
    return List.of(
        refusal("size", x -> x.size(7)),
        refusal("sum", x -> x.sum(7)),
        refusal("mean", x -> x.meanKeeping(7)),
        refusal("add", x -> x.plus(Tensors.zeros(DType.F32, 5))),
        refusal("item", Tensor::item),
        refusal("view", x -> x.view(7)),
        refusal("permute", x -> x.permute(0, 0)),
        refusal("split", x -> x.split(0, 1, 7)),
        refusal("unbind", x -> x.unbind(7)),
        refusal("index_select", x -> x.indexSelect(7, Tensors.of(0))),
        refusal("gather", x -> x.gather(0, Tensors.of(0))),
        refusal("topk", x -> x.topK(7)),
        refusal("copy", x -> x.copyInPlace(Tensors.zeros(DType.F32, 7))),
        refusal("masked_fill", x -> x.maskedFill(x, 0)),
        refusal("backward", Gradients::backward),
        refusal("requires_grad", x -> Gradients.track(x.isEqualTo(0))),
        refusal("device", _ -> undefined().device()),
        refusal("address", _ -> undefined().address()));
  }

  private static Arguments refusal(String operation, Consumer<Tensor> refused) {
    return Arguments.of(operation, refused);
  }

  private static Tensor undefined() {
    return new Tensor(new org.bytedeco.pytorch.Tensor());
  }

  @ParameterizedTest
  @MethodSource("questions")
  void everyQuestionToAClosedTensorNamesTheScope(Consumer<Tensor> question) {
    Tensor closed;
    try (TensorScope _ = TensorScope.open()) {
      closed = Tensors.zeros(DType.F32, 2);
    }
    assertThatThrownBy(() -> question.accept(closed))
        .isInstanceOf(KernelException.class)
        .hasMessageContaining("TensorScope had closed");
  }

  static List<Consumer<Tensor>> questions() {
    return List.of(
        Tensor::shape,
        x -> x.size(0),
        Tensor::rank,
        Tensor::elements,
        Tensor::dtype,
        Tensor::device,
        Tensor::address,
        Tensor::isContiguous,
        Gradients::isTracked,
        Gradients::find,
        Gradients::clear);
  }

  @ParameterizedTest
  @EnumSource(DType.class)
  void everyElementTypeMakesTheRoundTrip(DType dtype) {
    Tensor tensor = Tensors.zeros(dtype, 2);
    assertThat(tensor.dtype()).isEqualTo(dtype);
    assertThat(tensor.toBytes()).hasSize(2 * dtype.bytes());
  }

  @Test
  void integersStayIntegersWhenAnIntegerIsAdded() {
    assertThat(Tensors.of(1, 2).plus(3L).dtype()).isEqualTo(DType.I64);
  }

  @Test
  void valuesThatDoNotFillTheShapeAreRefused() {
    assertThatThrownBy(() -> Tensors.of(new float[] {1, 2, 3}, 2, 2))
        .isInstanceOf(KernelException.class)
        .hasMessageContaining("3 values");
  }

  @Test
  void aStableOrderKeepsEqualElementsInTheirOrder() {
    assertThat(Tensors.of(1, 0, 1, 0).stableOrder().toLongs()).containsExactly(1, 3, 0, 2);
  }

  @Test
  void drawsDependOnTheSeedAlone() {
    Tensor first = Tensors.normal(5, 4, 4);
    Tensors.normal(6, 3);
    assertThat(Tensors.normal(5, 4, 4).isEqualTo(first)).isTrue();
    assertThat(Tensors.normal(6, 4, 4).isEqualTo(first)).isFalse();
  }

  @Test
  void gradientsAreFoundClearedAndAbsent() {
    Tensor x = Gradients.track(Tensors.of(new float[] {1, 2}, 2));
    assertThat(Gradients.find(x)).isEmpty();
    Gradients.backward(x.square().sum());
    assertThat(Gradients.find(x).orElseThrow().toFloats()).containsExactly(2, 4);
    Gradients.clear(x);
    assertThat(Gradients.find(x)).isEmpty();
  }

  @Test
  void nothingIsRecordedDuringAPause() {
    Tensor x = Gradients.track(Tensors.of(new float[] {1}, 1));
    try (Gradients.Pause _ = Gradients.pause()) {
      assertThat(Gradients.isTracked(x.times(2))).isFalse();
    }
    assertThat(Gradients.isTracked(x.times(2))).isTrue();
  }

  @Test
  void reducedTypesAreThoseOfSixteenBits() {
    assertThat(DType.BF16.isReduced()).isTrue();
    assertThat(DType.F32.isReduced()).isFalse();
  }
}
