package dev.upcycle.checkpoint.write;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.checkpoint.DType;
import dev.upcycle.checkpoint.Shape;
import dev.upcycle.checkpoint.TensorEntry;
import dev.upcycle.checkpoint.TensorSpec;
import dev.upcycle.checkpoint.safetensors.SafetensorsHeader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TensorFileTest {
  private static final TensorSpec SMALL = new TensorSpec("b", DType.U8, new Shape(List.of(3L)));
  private static final TensorSpec WIDE = new TensorSpec("a", DType.F32, new Shape(List.of(2L)));

  @TempDir Path folder;

  private static ByteBuffer filled(TensorSpec tensor) {
    ByteBuffer bytes = ByteBuffer.allocate((int) tensor.bytes());
    while (bytes.hasRemaining()) {
      bytes.put((byte) tensor.name().charAt(0));
    }
    return bytes.flip();
  }

  @Test
  void tensorsLieInTheCanonicalOrderWithTheirBytes() throws IOException {
    Path file = folder.resolve("some.safetensors");

    TensorFile.write(file, List.of(SMALL, WIDE), TensorFileTest::filled);

    List<TensorEntry> tensors = SafetensorsHeader.read(file).tensors();
    assertThat(tensors).extracting(TensorEntry::name).containsExactly("a", "b");
    byte[] bytes = Files.readAllBytes(file);
    assertThat(new String(bytes, StandardCharsets.ISO_8859_1)).endsWith("aaaaaaaabbb");
  }

  @Test
  void failureLeavesTheOldFileAndNoOther() throws IOException {
    Path file = Files.writeString(folder.resolve("some.safetensors"), "old");

    assertThatThrownBy(() -> TensorFile.write(file, List.of(SMALL), _ -> ByteBuffer.allocate(2)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("2 bytes for 'b', expected 3");

    assertThat(file).hasContent("old");
    try (var files = Files.list(folder)) {
      assertThat(files).containsExactly(file);
    }
  }

  @Test
  void folderThatIsNotThereIsNamed() {
    Path file = folder.resolve("no/such/some.safetensors");

    assertThatThrownBy(() -> TensorFile.write(file, List.of(SMALL), TensorFileTest::filled))
        .isInstanceOf(ResourceException.class)
        .hasMessageContaining("cannot write " + file);
  }
}
