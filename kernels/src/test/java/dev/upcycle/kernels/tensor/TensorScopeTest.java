package dev.upcycle.kernels.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.kernels.KernelException;
import org.junit.jupiter.api.Test;

class TensorScopeTest {
  @Test
  void aTensorDiesWithItsScope() {
    Tensor leaked;
    try (TensorScope _ = TensorScope.open()) {
      leaked = Tensors.zeros(DType.F32, 3);
    }
    assertThatThrownBy(leaked::elements)
        .isInstanceOf(KernelException.class)
        .hasMessageContaining("after its TensorScope had closed");
    assertThat(leaked).hasToString("a closed tensor");
  }

  @Test
  void aKeptTensorLivesInTheScopeAround() {
    Tensor kept;
    try (TensorScope _ = TensorScope.open()) {
      try (TensorScope inner = TensorScope.open()) {
        kept = inner.keep(Tensors.of(new float[] {1, 2}, 2));
      }
      assertThat(kept.toFloats()).containsExactly(1, 2);
    }
    assertThatThrownBy(kept::elements).isInstanceOf(KernelException.class);
  }

  @Test
  void keepingWithoutAScopeAroundIsRefused() {
    try (TensorScope scope = TensorScope.open()) {
      Tensor tensor = Tensors.of(1);
      assertThatThrownBy(() -> scope.keep(tensor))
          .isInstanceOf(KernelException.class)
          .hasMessageContaining("no TensorScope was open");
    }
  }

  @Test
  void aDetachedScopeHoldsTensorsAcrossSteps() {
    TensorScope weights = TensorScope.detached();
    Tensor held;
    try (TensorScope _ = TensorScope.open()) {
      held = weights.hold(Tensors.of(7));
    }
    try (TensorScope _ = TensorScope.open()) {
      assertThat(held.plus(1).toLongs()).containsExactly(8);
    }
    weights.close();
    assertThatThrownBy(held::elements).isInstanceOf(KernelException.class);
  }

  @Test
  void aClosedScopeHoldsNothingMore() {
    TensorScope weights = TensorScope.detached();
    weights.close();
    try (TensorScope _ = TensorScope.open()) {
      Tensor tensor = Tensors.of(7);
      assertThatThrownBy(() -> weights.hold(tensor))
          .isInstanceOf(KernelException.class)
          .hasMessageContaining("closed");
    }
  }

  @Test
  void aTensorWithoutAnOpenScopeIsRefused() {
    assertThatThrownBy(() -> Tensors.zeros(DType.F32, 1))
        .isInstanceOf(KernelException.class)
        .hasMessageContaining("zeros")
        .hasMessageContaining("no TensorScope is open");
  }

  @Test
  void anOpenScopeIsClosedByItsOwnThreadOnly() throws InterruptedException {
    TensorScope scope = TensorScope.open();
    Throwable[] thrown = new Throwable[1];
    Thread other =
        new Thread(() -> {
          try {
            scope.close();
          } catch (KernelException e) {
            thrown[0] = e;
          }
        });
    other.start();
    other.join();
    scope.close();
    assertThat(thrown[0]).hasMessageContaining("belongs to thread");
  }
}
