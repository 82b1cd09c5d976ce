package dev.upcycle.kernels.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.bytedeco.openblas.global.openblas_nolapack;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LibTorchTest {
  @Test
  void theProbeFindsALoadableLibraryWithItsVersion() {
    LibTorch.Probe probe = LibTorch.probe();
    assertThat(probe.loadProblem()).isEmpty();
    assertThat(probe.loadable()).isTrue();
    assertThat(probe.version()).matches("\\d+\\.\\d+\\.\\d+-\\d.*");
  }

  @Test
  void aCudaProblemIsNamedOnlyWhereNoGpuCanBeUsed() {
    LibTorch.Probe probe = LibTorch.probe();
    assertThat(probe.cudaDevices() > 0 && probe.cudaProblem().isPresent()).isFalse();
  }

  @Test
  void driverThatThrowsLeavesTheCpuAndTheFirstLineOfWhatItSaid(@TempDir Path folder) {
    var noGpu = new CudaDiagnosis(folder.resolve("none"), true, library -> true);
    LibTorch.Probe probe =
        LibTorch.probe(
            () -> {
              throw new IllegalStateException("CUDA error 999\nException raised from here");
            },
            noGpu);
    assertThat(probe.loadable()).isTrue();
    assertThat(probe.cudaDevices()).isZero();
    assertThat(probe.cudaProblem().orElseThrow()).contains("CUDA error 999").hasLineCount(1);
  }

  @Test
  void nativesForCudaWithoutALibraryOfTheirsAreToldWithItsName(@TempDir Path folder)
      throws IOException {
    Path driver = Files.createFile(folder.resolve("version"));
    var noCudnn = new CudaDiagnosis(driver, true, library -> !library.contains("cudnn"));
    assertThat(LibTorch.probe(() -> 0, noCudnn).cudaProblem().orElseThrow())
        .contains("libcudnn.so.9");
    assertThat(LibTorch.probe(() -> 1, noCudnn).cudaProblem()).isEmpty();
  }

  @Test
  void theProcessorsInstructionsAreNamed() {
    assertThat(LibTorch.cpuCapability()).matches("[A-Z0-9_ ]+");
  }

  @Test
  void bothPoolsHaveTheThreadsThatWereAskedFor() {
    LibTorch.useThreads(2);
    assertThat(LibTorch.threads()).isEqualTo(2);
    assertThat(openblas_nolapack.blas_get_num_threads()).isEqualTo(2);
    LibTorch.useThreads(1);
    assertThat(LibTorch.threads()).isEqualTo(1);
    assertThat(openblas_nolapack.blas_get_num_threads()).isEqualTo(1);
  }

  @Test
  void openBlasHasOneThreadWhereOnlyAttentionNeedsIt() {
    LibTorch.useThreads(2, DType.BF16);
    assertThat(LibTorch.threads()).isEqualTo(2);
    assertThat(openblas_nolapack.blas_get_num_threads()).isOne();
    LibTorch.useThreads(1);
  }

  @Test
  void attentionKeepsOpenBlasFromItsThreadsAndGivesThemBack() {
    LibTorch.useThreads(2);
    int within = LibTorch.withoutBlasThreads(openblas_nolapack::blas_get_num_threads);
    assertThat(within).isOne();
    assertThat(openblas_nolapack.blas_get_num_threads()).isEqualTo(2);
    LibTorch.useThreads(1);
  }

  @Test
  void noThreadsAreRefused() {
    assertThatThrownBy(() -> LibTorch.useThreads(0)).isInstanceOf(IllegalArgumentException.class);
  }
}
