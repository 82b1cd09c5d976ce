package dev.upcycle.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class AheadTest {
  @Test
  void resultsComeInTheOrderOfTheirTasksThoughLaterOnesAreDoneFirst() throws InterruptedException {
    CountDownLatch second = new CountDownLatch(1);
    List<Callable<String>> tasks =
        List.of(
            () -> {
              second.await();
              return "first";
            },
            () -> {
              second.countDown();
              return "second";
            });

    try (Ahead<String> ahead = new Ahead<>(tasks.iterator(), 2, 2)) {
      assertThat(ahead.next()).isEqualTo("first");
      assertThat(ahead.next()).isEqualTo("second");
      assertThat(ahead.hasNext()).isFalse();
    }
  }

  @Test
  void noMoreIsBegunThanMayWait() throws InterruptedException {
    AtomicInteger begun = new AtomicInteger();
    int most = 0;
    int taken = 0;
    try (Ahead<Integer> ahead =
        new Ahead<>(
            IntStream.range(0, 200)
                .<Callable<Integer>>mapToObj(i ->
                    () -> {
                      begun.incrementAndGet();
                      return i;
                    })
                .iterator(),
            3,
            5)) {
      while (ahead.hasNext()) {
        assertThat(ahead.next()).isEqualTo(taken);
        taken++;
        most = Math.max(most, begun.get() - taken);
      }
    }

    assertThat(taken).isEqualTo(200);
    assertThat(most).isBetween(1, 5);
  }

  @Test
  void whatATaskThrowsComesInItsTurn() throws InterruptedException {
    List<Callable<String>> tasks =
        List.of(
            () -> "fine",
            () -> {
              throw new IllegalStateException("bad");
            },
            () -> "fine again");

    try (Ahead<String> ahead = new Ahead<>(tasks.iterator(), 2, 3)) {
      assertThat(ahead.next()).isEqualTo("fine");
      assertThatThrownBy(ahead::next).isInstanceOf(IllegalStateException.class).hasMessage("bad");
      assertThat(ahead.next()).isEqualTo("fine again");
    }
  }

  @Test
  void closingEndsTheWorkers() throws InterruptedException {
    List<Thread> workers = new ArrayList<>();
    CountDownLatch began = new CountDownLatch(1);
    Ahead<String> ahead =
        new Ahead<>(
            List.<Callable<String>>of(
                    () -> {
                      workers.add(Thread.currentThread());
                      began.countDown();
                      return "";
                    })
                .iterator(),
            1,
            1);
    ahead.next();
    assertThat(began.await(10, TimeUnit.SECONDS)).isTrue();

    ahead.close();

    workers.getFirst().join(10_000);
    assertThat(workers.getFirst().isAlive()).isFalse();
  }
}
