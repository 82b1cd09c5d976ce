package dev.upcycle.kernels.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.kernels.KernelException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DeviceTest {
  @Test
  void theCpuIsAlwaysThere() {
    assertThat(Device.choose("cpu")).isEqualTo(Device.CPU);
  }

  @Test
  void autoIsAGpuExactlyWhenLibTorchSeesOne() {
    Device expected = LibTorch.cudaDevices() > 0 ? Device.cuda(0) : Device.CPU;
    assertThat(Device.choose("auto")).isEqualTo(expected);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "gpu", "cuda:", "cuda:-1", "cuda:x", "cpu:1"})
  void anythingElseIsRefusedWithTheAllowedForms(String text) {
    assertThatThrownBy(() -> Device.choose(text))
        .isInstanceOf(KernelException.class)
        .hasMessageContaining("'" + text + "'")
        .hasMessageContaining("auto, cpu, cuda or cuda:<index>");
  }

  @Test
  void aGpuThatIsNotThereIsRefused() {
    assertThatThrownBy(() -> Device.choose("cuda:99"))
        .isInstanceOf(KernelException.class)
        .hasMessageContaining("cuda:99");
  }

  private static LibTorch.Probe seeing(int devices, @Nullable String fault) {
    return new LibTorch.Probe("2.10.0", true, null, devices, fault);
  }

  @Test
  void autoIsTheFirstGpuThatCanBeUsedAndNeedsNoReason() {
    assertThat(Device.choose("auto", seeing(2, null))).isEqualTo(Device.cuda(0));
    assertThat(Device.findFallback(seeing(2, null))).isEmpty();
  }

  @Test
  void autoFallsToTheCpuAndSaysWhyWhereAGpuCannotBeUsed() {
    LibTorch.Probe probe = seeing(0, "these libraries are missing: libcudnn.so.9");
    assertThat(Device.choose("auto", probe)).isEqualTo(Device.CPU);
    assertThat(Device.findFallback(probe)).hasValue("these libraries are missing: libcudnn.so.9");
  }

  @Test
  void autoIsTheCpuWithoutAReasonWhereThereIsNoGpu() {
    assertThat(Device.choose("auto", seeing(0, null))).isEqualTo(Device.CPU);
    assertThat(Device.findFallback(seeing(0, null))).isEmpty();
  }

  @Test
  void aGpuThatWasAskedForAndCannotBeUsedIsAnErrorWithTheReason() {
    assertThatThrownBy(() -> Device.choose("cuda", seeing(0, "libcudnn.so.9 is missing")))
        .isInstanceOf(KernelException.class)
        .hasMessageContaining("device 'cuda'")
        .hasMessageContaining("libcudnn.so.9 is missing");
  }

  @Test
  void onlyAutoFallsBack() {
    assertThat(Device.findFallback("cpu")).isEmpty();
    assertThat(Device.findFallback("cuda")).isEmpty();
  }

  @Test
  void aDeviceReadsAsUsersWriteIt() {
    assertThat(Device.cuda(1)).hasToString("cuda:1");
    assertThat(Device.CPU).hasToString("cpu");
  }

  @Test
  void gpuThatAutoChoseComesWithACaution() {
    assertThat(Device.cuda(0).findCaution("auto").orElseThrow())
        .contains("cuda:0", "never run on a GPU", "--device cpu");
    assertThat(Device.cuda(0).findCaution("cuda")).isEmpty();
    assertThat(Device.CPU.findCaution("auto")).isEmpty();
  }
}
