package dev.upcycle.cli;

import dev.upcycle.cli.command.ExitCode;
import dev.upcycle.cli.terminal.Signals;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/// Turns Ctrl-C and SIGTERM into an interrupt of the working thread; the process then exits with
/// the code of the interrupted work: 130, unless the work was done before it could be interrupted.
///
/// Work that does not stop in time is left as it is, unless it asked to be finished first: then a
/// second signal stops it.
final class Interruption implements Signals {
  /// How long work that did not ask for more has to stop.
  static final Duration PATIENCE = Duration.ofSeconds(20);

  private static final Duration LITTLE_PATIENCE = Duration.ofSeconds(1);

  private volatile Duration patience;
  private final CountDownLatch finished = new CountDownLatch(1);
  private final AtomicInteger code = new AtomicInteger(ExitCode.INTERRUPTED.code());
  private volatile Optional<String> notice = Optional.empty();

  private Interruption(Duration patience) {
    this.patience = patience;
  }

  /// Watches over a thread until it calls [#finish].
  ///
  /// @param patience how long its work has to stop
  static Interruption watch(Thread worker, Duration patience) {
    Interruption interruption = new Interruption(patience);
    Runtime.getRuntime()
        .addShutdownHook(new Thread(() -> interruption.shutDown(worker), "interruption"));
    return interruption;
  }

  @Override
  public void finishFirst(String notice) {
    this.notice = Optional.of(notice);
  }

  @Override
  public void stopSoon() {
    patience = LITTLE_PATIENCE;
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
    Optional<String> patient = notice;
    patient.ifPresent(told -> {
      SecondSignal.await(Interruption::stop);
      System.err.println(told);
    });
    worker.interrupt();
    try {
      if (patient.isPresent()) {
        finished.await();
      } else if (!finished.await(patience.toMillis(), TimeUnit.MILLISECONDS)) {
        System.err.println(
            patience.equals(LITTLE_PATIENCE)
                ? "upcycle: interrupted"
                : "upcycle: interrupted, and the work in progress did not stop in time");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    // Else the JVM would exit with 128 + the signal, which differs from signal to signal.
    Runtime.getRuntime().halt(code.get());
  }

  private static void stop() {
    System.err.println("upcycle: stopped by a second signal, nothing more was saved");
    Runtime.getRuntime().halt(ExitCode.INTERRUPTED.code());
  }
}
