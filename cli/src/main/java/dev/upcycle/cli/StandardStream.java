package dev.upcycle.cli;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// One of the process's output streams; remembers the first fault, which a print stream swallows.
final class StandardStream extends OutputStream {
  private final FileOutputStream file;
  private @Nullable IOException fault;

  StandardStream(FileDescriptor descriptor) {
    this.file = new FileOutputStream(descriptor);
  }

  @Override
  public void write(int oneByte) throws IOException {
    write(new byte[] {(byte) oneByte}, 0, 1);
  }

  @Override
  public void write(byte[] bytes, int offset, int length) throws IOException {
    try {
      file.write(bytes, offset, length);
    } catch (IOException e) {
      if (fault == null) {
        fault = e;
      }
      throw e;
    }
  }

  /// Why something that was printed is lost; empty when the reader has merely gone away, as `head`
  /// does.
  Optional<String> loss() {
    return Optional.ofNullable(fault)
        .map(e -> String.valueOf(e.getMessage()))
        .filter(message -> !message.contains("Broken pipe"));
  }
}
