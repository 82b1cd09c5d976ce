package dev.upcycle.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.kernels.KernelException;
import dev.upcycle.kernels.KernelMemoryException;
import dev.upcycle.kernels.UnreadableFileException;
import org.junit.jupiter.api.Test;

class KernelFaultTest {
  @Test
  void exceptionOfTheKernelsIsWhatStandsBehindIt() {
    assertThat(KernelFault.find(new KernelMemoryException("zeros: out of memory")))
        .contains(KernelFault.MEMORY);
    assertThat(KernelFault.find(new UnreadableFileException("cannot map model.safetensors")))
        .contains(KernelFault.FILE);
    assertThat(KernelFault.find(new KernelException("matmul: shapes")))
        .contains(KernelFault.OPERATION);
  }

  @Test
  void otherExceptionsAreNoFaultOfTheKernels() {
    assertThat(KernelFault.find(new IllegalStateException("out of memory"))).isEmpty();
  }
}
