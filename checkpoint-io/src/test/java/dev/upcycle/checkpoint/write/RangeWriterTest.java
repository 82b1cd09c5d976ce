package dev.upcycle.checkpoint.write;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CancellationException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RangeWriterTest {
  @TempDir Path directory;

  private static ByteBuffer bytes(int... values) {
    ByteBuffer buffer = ByteBuffer.allocate(values.length);
    for (int value : values) {
      buffer.put((byte) value);
    }
    return buffer.flip();
  }

  private FileRange.Start start(String name, long offset) throws IOException {
    Path file = directory.resolve(name);
    if (!Files.exists(file)) {
      Files.createFile(file);
    }
    return new FileRange.Start(file, offset);
  }

  @Test
  void piecesFollowOneAnotherAtEveryPlace() throws IOException {
    try (RangeWriter writer = RangeWriter.open(List.of(start("a", 0), start("a", 4)), 3)) {
      writer.write(bytes(1, 2));
      writer.write(bytes(3));
    }
    assertThat(Files.readAllBytes(directory.resolve("a"))).containsExactly(1, 2, 3, 0, 1, 2, 3);
  }

  @Test
  void moreBytesThanWereSaidAreRefused() throws IOException {
    try (RangeWriter writer = RangeWriter.open(List.of(start("a", 0)), 3)) {
      writer.write(bytes(1, 2));
      assertThatThrownBy(() -> writer.write(bytes(3, 4)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("run of 3 bytes");
    }
    assertThat(Files.size(directory.resolve("a"))).isEqualTo(2);
  }

  @Test
  void anInterruptIsACancellation() throws IOException {
    try (RangeWriter writer = RangeWriter.open(List.of(start("a", 0)), 3)) {
      Thread.currentThread().interrupt();
      assertThatThrownBy(() -> writer.write(bytes(1))).isInstanceOf(CancellationException.class);
    }
    assertThat(Thread.interrupted()).isTrue();
    assertThat(directory.resolve("a")).isEmptyFile();
  }

  @Test
  void aMissingFileIsNamed() {
    Path missing = directory.resolve("missing");
    assertThatThrownBy(() -> RangeWriter.open(List.of(new FileRange.Start(missing, 0)), 3))
        .isInstanceOf(ResourceException.class)
        .hasMessageContaining(missing.toString());
  }
}
