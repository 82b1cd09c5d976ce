package dev.upcycle.kernels.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.kernels.KernelException;
import java.lang.foreign.MemorySegment;
import java.util.Set;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 30, unit = TimeUnit.SECONDS)
class BlasFailureTest {
  private static final int PARTS = 3;
  private static final ThreadFactory DAEMONS = Thread.ofPlatform().daemon().factory();

  private final Set<Integer> ran = new ConcurrentSkipListSet<>();
  private volatile int failing = -1;

  @Test
  void partThatFailsOnAThreadOfOursIsToldAndTheNextProductRuns() {
    toldOnceAndNoLonger(1);
  }

  @Test
  void partThatFailsOnTheCallersThreadIsToldAndTheNextProductRuns() {
    toldOnceAndNoLonger(0);
  }

  @Test
  void whereTheSystemRefusesAThreadNoPartRunsAndTheReasonIsTold() {
    BlasThreads threads = new BlasThreads(this::part, BlasFailureTest::refuse);

    multiply(threads);

    assertThat(ran).isEmpty();
    assertThat(threads.takeFailure().orElseThrow())
        .isInstanceOf(KernelException.class)
        .hasMessageContaining("1 of 3")
        .hasMessageContaining("fewer threads");
  }

  @Test
  void threadsAreMadeBeforeTheFirstProductWhereAFailureCanBeThrown() {
    BlasThreads threads = new BlasThreads(this::part, BlasFailureTest::refuse);
    assertThatThrownBy(() -> threads.prepare(2)).isInstanceOf(KernelException.class);
  }

  private void toldOnceAndNoLonger(int part) {
    BlasThreads threads = new BlasThreads(this::part, DAEMONS);
    failing = part;

    multiply(threads);

    assertThat(threads.takeFailure().orElseThrow()).hasMessage("part " + part);
    assertThat(threads.takeFailure()).isEmpty();
    failing = -1;
    ran.clear();
    multiply(threads);
    assertThat(ran).containsExactly(0, 1, 2);
    assertThat(threads.takeFailure()).isEmpty();
  }

  private static void multiply(BlasThreads threads) {
    threads.multiply(1, MemorySegment.NULL, PARTS, 8, MemorySegment.NULL, 0);
  }

  private void part(MemorySegment function, int index, MemorySegment data, int extra) {
    if (index == failing) {
      throw new IllegalStateException("part " + index);
    }
    ran.add(index);
  }

  private static Thread refuse(Runnable work) {
    throw new OutOfMemoryError("unable to create native thread");
  }
}
