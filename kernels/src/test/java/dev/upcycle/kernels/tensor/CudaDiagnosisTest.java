package dev.upcycle.kernels.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CudaDiagnosisTest {
  @TempDir private Path folder;

  private Path driver() throws IOException {
    return Files.createFile(folder.resolve("version"));
  }

  @Test
  void noGpuIsNoFault() {
    assertThat(new CudaDiagnosis(folder.resolve("none"), false, library -> false).find()).isEmpty();
  }

  @Test
  void nativesForTheCpuOnlyAreNamedWithTheProfileToBuild() throws IOException {
    assertThat(new CudaDiagnosis(driver(), false, library -> true).find().orElseThrow())
        .contains("-Pgpu");
  }

  @Test
  void everyMissingLibraryIsNamed() throws IOException {
    var diagnosis =
        new CudaDiagnosis(
            driver(), true, library -> !library.contains("cudnn") && !library.contains("nccl"));
    assertThat(diagnosis.find().orElseThrow())
        .contains("libcudnn.so.9, libnccl.so.2")
        .doesNotContain("libcublas");
  }

  @Test
  void librariesThatAllLoadLeaveTheDriver() throws IOException {
    assertThat(new CudaDiagnosis(driver(), true, library -> true).find().orElseThrow())
        .contains("check the driver");
  }

  @Test
  void nativesThatLackLibrariesSayWhichEvenWithoutAGpu() {
    var diagnosis =
        new CudaDiagnosis(folder.resolve("none"), true, library -> !library.contains("cupti"));
    assertThat(diagnosis.findMissing().orElseThrow())
        .contains("loader's path: libcupti.so.13.")
        .contains("LD_LIBRARY_PATH");
    assertThat(diagnosis.find()).isEmpty();
  }

  @Test
  void nativesForTheCpuLackNothing() {
    var diagnosis = new CudaDiagnosis(folder.resolve("none"), false, library -> false);
    assertThat(diagnosis.findMissing()).isEmpty();
  }
}
