package dev.upcycle.kernels.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.kernels.KernelException;
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

  @Test
  void aDeviceReadsAsUsersWriteIt() {
    assertThat(Device.cuda(1)).hasToString("cuda:1");
    assertThat(Device.CPU).hasToString("cpu");
  }
}
