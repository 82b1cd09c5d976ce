package dev.upcycle.checkpoint.safetensors;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.checkpoint.CheckpointFault;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.TensorEntry;
import dev.upcycle.checkpoint.TensorSpec;
import dev.upcycle.fixtures.SafetensorsBytes;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/// Fuzz target: whatever a file holds, its header is refused by a named fault, or it tells of
/// tensors that fill the file without gap or overlap and are read again as they are written.
public final class HeaderFuzz {
  private HeaderFuzz() {}

  /// What the fuzzer calls.
  public static void fuzzerTestOneInput(byte[] input) {
    check(input, Path.of(Objects.requireNonNull(System.getProperty("upcycle.fuzz.folder"))));
  }

  /// What refused the input; empty when it was read.
  ///
  /// @param input a file; or, when it begins with `{`, a header that gets an honest length field,
  ///   up to a zero byte, and the data behind that
  static Optional<CheckpointFault> check(byte[] input, Path folder) {
    byte[] bytes = file(input);
    Path file = write(folder.resolve("fuzzed.safetensors"), bytes);
    SafetensorsHeader header;
    try {
      header = SafetensorsHeader.read(file);
    } catch (CheckpointFormatException e) {
      assertThat(e).hasMessageStartingWith(file + ": ");
      return Optional.of(e.fault());
    }
    requireChain(header, bytes);
    List<TensorSpec> specs = header.tensors().stream().map(TensorEntry::spec).toList();
    requireSameAgain(specs, folder);
    requireSameAgain(SafetensorsHeader.canonicalOrder(specs), folder);
    return Optional.empty();
  }

  private static byte[] file(byte[] input) {
    if (input.length == 0 || input[0] != '{') {
      return input;
    }
    int end = 0;
    while (end < input.length && input[end] != 0) {
      end++;
    }
    return SafetensorsBytes.of(Arrays.copyOf(input, end))
        .withData(Arrays.copyOfRange(input, Math.min(end + 1, input.length), input.length))
        .bytes();
  }

  private static void requireChain(SafetensorsHeader header, byte[] file) {
    long end = Long.BYTES + ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).getLong(0);
    for (TensorEntry tensor : header.tensors()) {
      assertThat(tensor.offset()).as(tensor.name()).isEqualTo(end);
      assertThat(tensor.contiguous()).isTrue();
      end += tensor.bytes();
    }
    assertThat(end).isEqualTo(file.length);
    assertThat(header.file().bytes()).isEqualTo(file.length);
    assertThat(header.tensors()).extracting(TensorEntry::name).doesNotHaveDuplicates();
  }

  private static void requireSameAgain(List<TensorSpec> specs, Path folder) {
    byte[] encoded = SafetensorsHeader.encode(specs);
    long data = specs.stream().mapToLong(TensorSpec::bytes).sum();
    byte[] whole = Arrays.copyOf(encoded, Math.toIntExact(encoded.length + data));
    SafetensorsHeader again =
        SafetensorsHeader.read(write(folder.resolve("again.safetensors"), whole));
    assertThat(again.tensors()).extracting(TensorEntry::spec).isEqualTo(specs);
  }

  private static Path write(Path file, byte[] bytes) {
    try {
      return Files.write(file, bytes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
