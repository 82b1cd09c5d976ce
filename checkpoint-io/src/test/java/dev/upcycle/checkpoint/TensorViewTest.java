package dev.upcycle.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Parts and other orders of a stored tensor, over the same bytes.
class TensorViewTest {
  @TempDir Path folder;
  private TensorEntry matrix = entry(Path.of(""), Shape.of(4, 3));

  @BeforeEach
  void writeTheNumbersFromOneOn() throws Exception {
    byte[] bytes = new byte[14];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) (i - 1); // the matrix begins after two others
    }
    matrix = entry(Files.write(folder.resolve("numbers"), bytes), Shape.of(4, 3));
  }

  private static TensorEntry entry(Path file, Shape shape) {
    return new TensorEntry(new TensorSpec("m", DType.U8, shape), file, 2);
  }

  private static byte[] read(TensorEntry entry) {
    byte[] bytes = new byte[(int) entry.bytes()];
    try (GatheredTensor tensor = GatheredTensor.open(entry)) {
      tensor.read(0, ByteBuffer.wrap(bytes));
    }
    return bytes;
  }

  @Test
  void rowsLieWithinTheMatrix() {
    TensorEntry rows = matrix.rows(1, 2);
    assertThat(rows.shape()).isEqualTo(Shape.of(2, 3));
    assertThat(rows.contiguous()).isTrue();
    assertThat(read(rows)).containsExactly(4, 5, 6, 7, 8, 9);
  }

  @Test
  void aTransposedMatrixIsReadByColumns() {
    TensorEntry turned = matrix.transposed();
    assertThat(turned.shape()).isEqualTo(Shape.of(3, 4));
    assertThat(read(turned)).containsExactly(1, 4, 7, 10, 2, 5, 8, 11, 3, 6, 9, 12);
    assertThat(turned.transposed()).isEqualTo(matrix);
  }

  @Test
  void rowsOfATransposedMatrixAreItsColumns() {
    TensorEntry rows = matrix.transposed().rows(1, 2);
    assertThat(rows.strides()).isEqualTo(List.of(1L, 3L));
    assertThat(read(rows)).containsExactly(2, 5, 8, 11, 3, 6, 9, 12);
  }

  @Test
  void anotherNameIsOverTheSameBytes() {
    assertThat(matrix.named("n").name()).isEqualTo("n");
    assertThat(read(matrix.named("n"))).isEqualTo(read(matrix));
  }

  @Test
  void rowsThatTheMatrixLacksAreRefused() {
    assertThatThrownBy(() -> matrix.rows(3, 2))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("m [4, 3] has no 2 rows from 3");
  }

  @Test
  void onlyAMatrixIsTransposed() {
    TensorEntry cube = entry(Path.of("file"), Shape.of(2, 2, 3));
    assertThatThrownBy(cube::transposed)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("m [2, 2, 3] cannot be transposed");
  }
}
