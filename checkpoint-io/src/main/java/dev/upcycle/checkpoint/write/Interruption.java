package dev.upcycle.checkpoint.write;

import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.util.concurrent.CancellationException;
import java.util.function.Function;

/// Tells a thread's interrupt from a fault of the disk.
///
/// An interrupt closes the file channel that the thread is blocked in; every channel here is opened
/// for one copy by the thread that uses it, so nobody else loses one.
final class Interruption {
  private Interruption() {}

  /// Stops here when the thread has been interrupted, which it stays.
  static void check() {
    if (Thread.currentThread().isInterrupted()) {
      throw new CancellationException("interrupted; what is sealed can be resumed");
    }
  }

  /// The exception to throw: a cancellation when the channel was closed by an interrupt, else what
  /// `fault` makes of it.
  static RuntimeException orElse(IOException e, Function<IOException, RuntimeException> fault) {
    boolean interrupted =
        e instanceof ClosedChannelException && Thread.currentThread().isInterrupted();
    return interrupted ? cancelled(e) : fault.apply(e);
  }

  /// The cancellation that this exception stands for.
  static CancellationException cancelled(Exception cause) {
    CancellationException cancelled =
        new CancellationException("interrupted; what is sealed can be resumed");
    cancelled.initCause(cause);
    return cancelled;
  }
}
