package dev.upcycle.convert;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.write.CheckpointWriter;
import dev.upcycle.plan.UpcyclePlan;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CancellationException;
import java.util.concurrent.TimeUnit;
import tools.jackson.databind.json.JsonMapper;

/// A conversion that is interrupted half-way, once a file is finished.
final class InterruptedRun {
  private InterruptedRun() {}

  static void of(UpcyclePlan plan, Checkpoint source, Path out) {
    Thread caller = Thread.currentThread();
    assertThatThrownBy(() ->
            PlanExecutor.run(
                plan,
                source,
                new PlanExecutor.Options(out, CheckpointWriter.Mode.FRESH, 1),
                (done, total, what) -> {
                  if (done > total / 2) {
                    awaitSealedFile(out);
                    caller.interrupt();
                  }
                }))
        .isInstanceOf(CancellationException.class);
    assertThat(Thread.interrupted()).isTrue();
    assertThat(out).doesNotExist();
  }

  private static void awaitSealedFile(Path out) {
    Path journal = out.resolveSibling(out.getFileName() + ".partial").resolve("journal.json");
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    try {
      while (JsonMapper.shared().readTree(Files.readString(journal)).path("sealed").isEmpty()) {
        if (System.nanoTime() > deadline) {
          throw new AssertionError("no file was sealed");
        }
        Thread.onSpinWait();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
