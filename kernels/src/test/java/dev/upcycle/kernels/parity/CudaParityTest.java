package dev.upcycle.kernels.parity;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.fail;

import dev.upcycle.kernels.KernelException;
import dev.upcycle.kernels.ScopePerTest;
import dev.upcycle.kernels.moe.ExpertWeights;
import dev.upcycle.kernels.moe.Experts;
import dev.upcycle.kernels.moe.MoeLayer;
import dev.upcycle.kernels.moe.RoutingPass;
import dev.upcycle.kernels.tensor.DType;
import dev.upcycle.kernels.tensor.Device;
import dev.upcycle.kernels.tensor.Gradients;
import dev.upcycle.kernels.tensor.LibTorch;
import dev.upcycle.kernels.tensor.MappedFile;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.Tensors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// A GPU against the CPU. It runs only when its tag is asked for, and then a missing GPU is a
/// failure.
@Tag("cuda")
@ExtendWith(ScopePerTest.class)
class CudaParityTest {
  private static final Device GPU = Device.cuda(0);

  @TempDir private Path folder;

  @BeforeAll
  static void requireGpu() {
    LibTorch.Probe probe = LibTorch.probe();
    if (probe.cudaDevices() == 0) {
      fail(
          "the tag cuda asks for a GPU and LibTorch sees none: build with -Pgpu on a machine that"
              + " has one; found %s",
          probe);
    }
  }

  static Stream<ParityCase> all() {
    return ParityCase.all();
  }

  @ParameterizedTest
  @MethodSource("all")
  void theGpuAgreesWithTheCpu(ParityCase each) {
    assertThat(Agreement.worst(each.run(Device.CPU), each.run(GPU)))
        .isLessThanOrEqualTo(Agreement.bound(each.dtype()));
  }

  @Test
  void mappedWeightsArriveByteForByte() throws IOException {
    byte[] bytes = new byte[4096];
    new Random(1).nextBytes(bytes);
    Path path = Files.write(folder.resolve("weights.bin"), bytes);
    try (MappedFile file = MappedFile.open(path)) {
      Tensor there = file.tensor(0, DType.BF16, 32, 64).to(GPU);
      assertThat(there.device()).isEqualTo(GPU);
      assertThat(there.toBytes()).isEqualTo(bytes);
    }
  }

  @Test
  void numbersOfTheHostArriveAndComeBackThroughPageLockedMemory() {
    Tensor here = Tensors.of(3, 1, 4, 1, 5, 9, 2, 6);
    Tensor there = here.send(GPU);
    assertThat(there.device()).isEqualTo(GPU);
    assertThat(Tensors.hostLike(there).copyInPlace(there).toBytes()).isEqualTo(here.toBytes());
  }

  @Test
  void autoIsTheFirstGpu() {
    assertThat(Device.choose("auto")).isEqualTo(GPU);
    assertThat(LibTorch.probe().cudaProblem()).isEmpty();
  }

  @Test
  void expertsInBfloat16AreGroupedAndInFloatSorted() {
    for (ExpertWeights.Gating gating : ExpertWeights.Gating.values()) {
      assertThat(Experts.fastest(MoeCases.stacked(Inputs.on(GPU, DType.BF16), gating)))
          .isInstanceOf(Experts.Grouped.class);
      assertThat(Experts.fastest(MoeCases.stacked(Inputs.on(GPU, DType.F32), gating)))
          .isInstanceOf(Experts.Sorted.class);
    }
  }

  /// Holds for GPUs of compute capability 9.0 and 10.0; LibTorch's fallback for others waits.
  @Test
  void aLayerInBfloat16NeverWaitsForTheGpu() throws ReflectiveOperationException {
    Inputs in = Inputs.on(GPU, DType.BF16);
    MoeLayer layer = MoeCases.layer(in);
    Tensor x = in.leaf(1, MoeCases.TOKENS, MoeCases.HIDDEN);
    Tensor derivative = in.normal(1, MoeCases.TOKENS, MoeCases.HIDDEN);
    try (RefusedWaits _ = RefusedWaits.begin()) {
      assertThatThrownBy(() -> x.sum().item()).isInstanceOf(KernelException.class);
      Gradients.backward(layer.forward(x, RoutingPass.Infer.ofAll()).hidden(), derivative);
    }
    assertThat(Gradients.find(x)).isPresent();
  }
}
