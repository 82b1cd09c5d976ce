package dev.upcycle.checkpoint.torch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.checkpoint.CheckpointFault;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.GatheredTensor;
import dev.upcycle.checkpoint.TensorEntry;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/// Fuzz target: whatever a `.bin` file holds, it is refused by a named fault, or its tensors'
/// elements lie in the file, each at bytes of its own, and come out in row-major order.
public final class ArchiveFuzz {
  private ArchiveFuzz() {}

  /// What the fuzzer calls.
  public static void fuzzerTestOneInput(byte[] input) {
    check(input, Path.of(Objects.requireNonNull(System.getProperty("upcycle.fuzz.folder"))));
  }

  /// What refused the file; empty when it was read.
  static Optional<CheckpointFault> check(byte[] bytes, Path folder) {
    Path file = folder.resolve("fuzzed.bin");
    TorchArchive archive;
    try {
      Files.write(file, bytes);
      archive = TorchArchive.read(file);
    } catch (CheckpointFormatException e) {
      assertThat(e).hasMessageStartingWith(file + ": ");
      return Optional.of(e.fault());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    assertThat(archive.tensors()).isNotEmpty();
    assertThat(archive.tensors()).extracting(TensorEntry::name).doesNotHaveDuplicates();
    for (TensorEntry tensor : archive.tensors()) {
      assertThat(tensor.file()).isEqualTo(file);
      requireGathered(tensor, bytes);
    }
    return Optional.empty();
  }

  private static void requireGathered(TensorEntry tensor, byte[] file) {
    List<Long> places = ElementBytes.of(tensor, 0, file.length);
    int width = tensor.dtype().bits() / Byte.SIZE;
    ByteBuffer expected = ByteBuffer.allocate(places.size() * width);
    places.forEach(place -> expected.put(file, Math.toIntExact(place), width));
    ByteBuffer found = ByteBuffer.allocate(expected.capacity());
    if (found.hasRemaining()) {
      try (GatheredTensor gathered = GatheredTensor.open(tensor)) {
        gathered.read(0, found);
      }
    }
    assertThat(found.array()).as(tensor.name()).isEqualTo(expected.array());
  }
}
