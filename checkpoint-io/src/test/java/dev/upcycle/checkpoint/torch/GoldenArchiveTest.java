package dev.upcycle.checkpoint.torch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.GatheredTensor;
import dev.upcycle.checkpoint.TensorEntry;
import dev.upcycle.checkpoint.safetensors.SafetensorsHeader;
import dev.upcycle.checkpoint.write.FileRange;
import dev.upcycle.checkpoint.write.TensorCopier;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// What torch wrote comes out as torch itself reads it.
class GoldenArchiveTest {
  @TempDir Path folder;

  static List<Path> golden() {
    return TorchResources.archives("golden");
  }

  private static Checkpoint open(String name) {
    return Checkpoint.openFile(TorchResources.folder("golden").resolve(name));
  }

  /// What torch read back, by name.
  private static Map<String, TensorEntry> expected(Path archive) {
    String name = archive.getFileName().toString().replace(".bin", ".safetensors");
    return SafetensorsHeader.read(archive.resolveSibling(name)).tensors().stream()
        .collect(Collectors.toMap(TensorEntry::name, Function.identity()));
  }

  private static byte[] bytes(TensorEntry entry) {
    ByteBuffer bytes = ByteBuffer.allocate((int) entry.bytes());
    if (bytes.hasRemaining()) {
      try (GatheredTensor tensor = GatheredTensor.open(entry)) {
        tensor.read(0, bytes);
      }
    }
    return bytes.array();
  }

  private static byte[] bytes(Checkpoint checkpoint, TensorEntry entry) {
    try (Arena arena = Arena.ofConfined()) {
      return checkpoint.map(entry, arena).toArray(ValueLayout.JAVA_BYTE);
    }
  }

  @ParameterizedTest
  @MethodSource("golden")
  void tensorsAreThoseOfTorch(Path archive) {
    List<TensorEntry> actual = TorchArchive.read(archive).tensors();
    Map<String, TensorEntry> expected = expected(archive);
    assertThat(actual)
        .extracting(TensorEntry::name)
        .containsExactlyInAnyOrderElementsOf(expected.keySet());
    for (TensorEntry entry : actual) {
      TensorEntry wanted = Objects.requireNonNull(expected.get(entry.name()));
      assertThat(entry.spec()).isEqualTo(wanted.spec());
      assertThat(bytes(entry)).as(entry.name()).isEqualTo(bytes(wanted));
    }
  }

  @ParameterizedTest
  @MethodSource("golden")
  void copiedTensorsAreThoseOfTorch(Path archive) throws IOException {
    Map<String, TensorEntry> expected = expected(archive);
    for (TensorEntry entry : TorchArchive.read(archive).tensors()) {
      Path out = Files.createFile(folder.resolve("copy of " + entry.name()));
      AtomicLong written = new AtomicLong();
      TensorCopier.copy(
          entry,
          entry.dtype(),
          List.of(new FileRange.Start(out, 0), new FileRange.Start(out, entry.bytes())),
          written::addAndGet);
      byte[] wanted = bytes(Objects.requireNonNull(expected.get(entry.name())));
      byte[] copies = Files.readAllBytes(out);
      assertThat(copies).as(entry.name()).hasSize(2 * wanted.length);
      assertThat(Arrays.copyOf(copies, wanted.length)).isEqualTo(wanted);
      assertThat(Arrays.copyOfRange(copies, wanted.length, copies.length)).isEqualTo(wanted);
      assertThat(written).hasValue(2 * entry.bytes());
    }
  }

  @Test
  void mappedViewIsInRowMajorOrder() {
    Checkpoint views = open("views.bin");
    Checkpoint wanted = open("views.safetensors");
    for (String name : List.of("transposed", "every_other_column", "permuted", "whole")) {
      assertThat(bytes(views, views.require(name)))
          .as(name)
          .isEqualTo(bytes(wanted, wanted.require(name)));
    }
  }

  @Test
  void viewIsReadFromAnyElementOn() {
    TensorEntry permuted = open("views.bin").require("permuted");
    byte[] whole = bytes(permuted);
    try (GatheredTensor tensor = GatheredTensor.open(permuted)) {
      for (int first = 0; first < 24; first++) {
        for (int count = 1; count <= 24 - first; count++) {
          ByteBuffer some = ByteBuffer.allocate(count * Float.BYTES);
          tensor.read(first, some);
          assertThat(some.array())
              .isEqualTo(Arrays.copyOfRange(whole, first * 4, (first + count) * 4));
        }
      }
    }
  }

  @Test
  void tensorInRowMajorOrderStaysWhereItLies() {
    Checkpoint views = open("views.bin");
    TensorEntry whole = views.require("whole");
    assertThat(whole.contiguous()).isTrue();
    assertThat(whole.offset() % 64).isZero();
    assertThat(views.require("tied").offset()).isEqualTo(whole.offset());
    assertThat(views.require("rows_from").offset()).isEqualTo(whole.offset() + 2 * 7 * 4);
    assertThat(views.require("rows_from").contiguous()).isTrue();
  }

  @Test
  void transposedViewIsNotTakenForRowMajor() {
    Checkpoint views = open("views.bin");
    TensorEntry transposed = views.require("transposed");
    assertThat(transposed.offset()).isEqualTo(views.require("whole").offset());
    assertThat(transposed.strides()).containsExactly(1L, 7L);
    assertThat(bytes(views, transposed)).isNotEqualTo(bytes(views, views.require("whole")));
  }

  @Test
  void whatIsNoTensorIsPassedOverWithANote() {
    assertThat(open("training.bin").notes())
        .anySatisfy(note -> assertThat(note).contains("'state_dict'", "'epoch'", "'optimizer'"))
        .anySatisfy(note -> assertThat(note).contains("'module.'", "dropped"));
  }
}
