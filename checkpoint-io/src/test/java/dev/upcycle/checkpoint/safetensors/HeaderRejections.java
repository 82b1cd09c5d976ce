package dev.upcycle.checkpoint.safetensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.upcycle.checkpoint.CheckpointFault;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.fixtures.SafetensorsBytes;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;

/// Files whose header must be refused.
abstract class HeaderRejections {
  @TempDir Path folder;

  final CheckpointFormatException rejection(SafetensorsBytes bytes) {
    Path file = bytes.write(folder.resolve("hostile.safetensors"));
    CheckpointFormatException rejection =
        catchThrowableOfType(CheckpointFormatException.class, () -> SafetensorsHeader.read(file));
    assertThat(rejection).as("the file must be refused").isNotNull();
    assertThat(rejection).hasMessageStartingWith(file + ": ");
    return rejection;
  }

  final void assertRejected(CheckpointFault fault, SafetensorsBytes bytes) {
    assertThat(rejection(bytes).fault()).isEqualTo(fault);
  }

  final void assertRejected(CheckpointFault fault, String header, int dataBytes) {
    assertRejected(fault, SafetensorsBytes.of(header).withData(dataBytes));
  }

  static String entry(String dtype, String shape, String offsets) {
    return "{\"x\":{\"dtype\":%s,\"shape\":%s,\"data_offsets\":%s}}"
        .formatted(dtype, shape, offsets);
  }
}
