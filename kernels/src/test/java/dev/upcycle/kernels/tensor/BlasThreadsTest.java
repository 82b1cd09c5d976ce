package dev.upcycle.kernels.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class BlasThreadsTest {
  private static final long ROWS = 300;
  private static final long INNER = 257;
  private static final long COLUMNS = 512;

  @AfterEach
  void useOneThread() {
    LibTorch.useThreads(1);
  }

  @Test
  void aProductOnTwoThreadsIsNearTheOneInDouble() {
    LibTorch.useThreads(2);
    try (TensorScope _ = TensorScope.open()) {
      Tensor a = values(ROWS, INNER, 1);
      Tensor b = values(INNER, COLUMNS, 2);
      Tensor wide = a.to(DType.F64).matmul(b.to(DType.F64));
      Tensor error = a.matmul(b).to(DType.F64).minus(wide).abs().max();
      assertThat(error.item()).isLessThan(1e-5 * wide.abs().max().item());
    }
  }

  @Test
  void productsRunOnThreadsOfOurOwn() {
    LibTorch.useThreads(2);
    assertThat(product(3)).isFinite();
    assertThat(Thread.getAllStackTraces().keySet())
        .anyMatch(thread -> thread.getName().equals("blas-1"));
  }

  @Test
  void theSameThreadsGiveTheSameBits() {
    LibTorch.useThreads(2);
    double first = product(4);
    for (int again = 0; again < 20; again++) {
      assertThat(product(4)).isEqualTo(first);
    }
    assertThat(product(5)).isNotEqualTo(first);
  }

  @Test
  @Timeout(value = 60, unit = TimeUnit.SECONDS)
  void manyCallersAtOnceEachGetTheirOwnProduct() throws Exception {
    LibTorch.useThreads(2);
    List<Double> alone = new ArrayList<>();
    List<Callable<Double>> calls = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      int seed = i;
      alone.add(product(seed));
      calls.add(() -> product(seed));
    }
    try (ExecutorService callers = Executors.newFixedThreadPool(4)) {
      List<Double> together = new ArrayList<>();
      for (Future<Double> call : callers.invokeAll(calls, 50, TimeUnit.SECONDS)) {
        together.add(call.get());
      }
      assertThat(together).isEqualTo(alone);
    }
  }

  @Test
  void aThreadThatSleptWakesForTheNextProduct() throws InterruptedException {
    LibTorch.useThreads(2);
    double before = product(6);
    Thread.sleep(Duration.ofMillis(50));
    assertThat(product(6)).isEqualTo(before);
  }

  private static double product(int seed) {
    try (TensorScope _ = TensorScope.open()) {
      return values(ROWS, INNER, seed).matmul(values(INNER, COLUMNS, seed + 1)).sum().item();
    }
  }

  private static Tensor values(long rows, long columns, int seed) {
    float[] values = new float[Math.toIntExact(rows * columns)];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) Math.sin(0.37 * i + seed);
    }
    return Tensors.of(values, rows, columns);
  }
}
