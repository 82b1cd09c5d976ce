package dev.upcycle.kernels.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class BlasPoolTest {
  private final AtomicInteger threads = new AtomicInteger();
  private final BlasPool pool = new BlasPool(threads::set, threads::get);

  @Test
  void whileItStandsByThereIsOneThread() {
    pool.use(4);
    assertThat(pool.<Integer>standingBy(threads::get)).isOne();
    assertThat(threads).hasValue(4);
  }

  @Test
  @Timeout(value = 30, unit = TimeUnit.SECONDS)
  void twoThreadsThatOverlapLeaveWhatWasBefore() throws Exception {
    pool.use(4);
    CountDownLatch secondIsIn = new CountDownLatch(1);
    CountDownLatch firstIsOut = new CountDownLatch(1);
    try (ExecutorService both = Executors.newFixedThreadPool(2)) {
      Future<Boolean> first = both.submit(() -> pool.standingBy(() -> waited(secondIsIn)));
      Future<Integer> second =
          both.submit(() ->
              pool.standingBy(() -> {
                secondIsIn.countDown();
                return waited(firstIsOut) ? threads.get() : -1;
              }));
      assertThat(first.get()).isTrue();
      firstIsOut.countDown();
      assertThat(second.get()).as("threads after the first had left").isOne();
    }
    assertThat(threads).hasValue(4);
  }

  @Test
  void aNumberAskedForMeanwhileHoldsAfterwards() {
    pool.use(4);
    int within =
        pool.standingBy(() -> {
          pool.use(3);
          return threads.get();
        });
    assertThat(within).isOne();
    assertThat(threads).hasValue(3);
  }

  private static boolean waited(CountDownLatch latch) {
    try {
      return latch.await(20, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }
}
