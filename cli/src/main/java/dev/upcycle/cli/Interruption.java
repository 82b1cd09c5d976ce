package dev.upcycle.cli;

import dev.upcycle.cli.command.ExitCode;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/// Turns Ctrl-C and SIGTERM into an interrupt of the working thread; the process then exits with
/// the code of the interrupted work: 130, unless the work was done before it could be interrupted.
final class Interruption {
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  private final CountDownLatch finished = new CountDownLatch(1);
  private final AtomicInteger code = new AtomicInteger(ExitCode.INTERRUPTED.code());

  private Interruption() {}

  /// Watches over a thread until it calls [#finish].
  static Interruption watch(Thread worker) {
    Interruption interruption = new Interruption();
    Runtime.getRuntime()
        .addShutdownHook(new Thread(() -> interruption.shutDown(worker), "interruption"));
    return interruption;
  }

  /// Says that the work has ended, and with which exit code.
  void finish(int code) {
    this.code.set(code);
    finished.countDown();
  }

  // Runs on every exit of the JVM, also on the one that follows finish().
  private void shutDown(Thread worker) {
    if (finished.getCount() == 0) {
      return;
    }
    worker.interrupt();
    try {
      boolean ended = finished.await(PATIENCE.toSeconds(), TimeUnit.SECONDS);
      if (!ended) {
        System.err.println("upcycle: interrupted, and the work in progress did not stop in time");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    // Else the JVM would exit with 128 + the signal, which differs from signal to signal.
    Runtime.getRuntime().halt(code.get());
  }
}
