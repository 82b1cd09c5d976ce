package dev.upcycle.kernels.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.kernels.ScopePerTest;
import dev.upcycle.kernels.UnreadableFileException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

@ExtendWith(ScopePerTest.class)
class MappedFileTest {
  @TempDir private Path folder;

  private Path floatsAt(int offset) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(offset + 16).order(ByteOrder.LITTLE_ENDIAN);
    bytes.position(offset);
    for (int i = 1; i <= 4; i++) {
      bytes.putFloat(i);
    }
    return Files.write(folder.resolve("weights.bin"), bytes.array());
  }

  @Test
  void aTensorAtAnEvenOffsetIsAViewOfTheFile() throws IOException {
    try (MappedFile file = MappedFile.open(floatsAt(8))) {
      Tensor tensor = file.tensor(8, DType.F32, 2, 2);
      assertThat(tensor.toFloats()).containsExactly(1, 2, 3, 4);
      assertThat(tensor.address() - file.tensor(0, DType.U8, 1).address()).isEqualTo(8);
    }
  }

  @Test
  void aTensorAtAnOddOffsetHasTheSameNumbers() throws IOException {
    try (MappedFile file = MappedFile.open(floatsAt(3))) {
      assertThat(file.tensor(3, DType.F32, 4).toFloats()).containsExactly(1, 2, 3, 4);
    }
  }

  @Test
  void aTensorOutlivesTheFilesClosing() throws IOException {
    MappedFile file = MappedFile.open(floatsAt(0));
    Tensor tensor = file.tensor(0, DType.F32, 4);
    file.close();
    assertThat(tensor.toFloats()).containsExactly(1, 2, 3, 4);
  }

  @Test
  void writingToATensorLeavesTheFileAlone() throws IOException {
    Path path = floatsAt(0);
    try (MappedFile file = MappedFile.open(path)) {
      Tensor tensor = file.tensor(0, DType.F32, 4).timesInPlace(2);
      assertThat(tensor.toFloats()).containsExactly(2, 4, 6, 8);
    }
    ByteBuffer onDisk = ByteBuffer.wrap(Files.readAllBytes(path)).order(ByteOrder.LITTLE_ENDIAN);
    assertThat(onDisk.getFloat()).isEqualTo(1);
  }

  @Test
  void aTensorLargerThanTwoGibibytesIsMapped() throws IOException {
    Path path = folder.resolve("large.bin");
    long elements = 1_200_000_000L;
    try (RandomAccessFile sparse = new RandomAccessFile(path.toFile(), "rw")) {
      sparse.setLength(128 + 2 * elements);
      sparse.seek(128 + 2 * (elements - 1));
      sparse.write(new byte[] {0x40, 0x40});
    }
    try (MappedFile file = MappedFile.open(path)) {
      Tensor tensor = file.tensor(128, DType.BF16, elements);
      assertThat(tensor.narrow(0, elements - 1, 1).item()).isEqualTo(3);
    }
  }

  @Test
  void aTensorPastTheEndIsRefusedByName() throws IOException {
    Path path = floatsAt(0);
    try (MappedFile file = MappedFile.open(path)) {
      assertThatThrownBy(() -> file.tensor(4, DType.F32, 4))
          .isInstanceOf(UnreadableFileException.class)
          .hasMessageContaining("weights.bin")
          .hasMessageContaining("16 bytes at offset 4");
    }
  }

  @Test
  void aMissingFileIsRefusedByName() {
    assertThatThrownBy(() -> MappedFile.open(folder.resolve("none.bin")))
        .isInstanceOf(UnreadableFileException.class)
        .hasMessageContaining("none.bin");
  }

  @Test
  void anEmptyFileIsRefusedByName() throws IOException {
    Path empty = Files.createFile(folder.resolve("empty.bin"));
    assertThatThrownBy(() -> MappedFile.open(empty))
        .isInstanceOf(UnreadableFileException.class)
        .hasMessageContaining("empty.bin");
  }
}
