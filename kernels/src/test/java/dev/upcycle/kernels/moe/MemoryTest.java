package dev.upcycle.kernels.moe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.upcycle.kernels.ScopePerTest;
import dev.upcycle.kernels.ffn.Activation;
import dev.upcycle.kernels.loss.BalanceLoss;
import dev.upcycle.kernels.loss.ZLoss;
import dev.upcycle.kernels.tensor.Gradients;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.TensorScope;
import dev.upcycle.kernels.tensor.Tensors;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(ScopePerTest.class)
class MemoryTest {
  private static final Path STATUS = Path.of("/proc/self/status");
  private static final int STEPS = 300;
  private static final int WARM_UP = 50;
  private static final long MIB = 1 << 20;

  private final Tensor x = Tensors.normal(1, 256, 64);
  private final Tensor router = Gradients.track(Tensors.normal(2, 4, 64));
  private final Tensor up = Gradients.track(Tensors.normal(3, 4, 256, 64));
  private final Tensor down = Gradients.track(Tensors.normal(4, 4, 64, 128));
  private final MoeLayer layer =
      new MoeLayer(
          Router.of(Router.Form.topK(2), router),
          Experts.fastest(
              new ExpertWeights.Stacked(
                  new ExpertWeights.Form(ExpertWeights.Gating.GATED, Activation.SILU),
                  up,
                  down,
                  null)),
          null);

  private static long residentBytes() {
    try {
      return Files.readAllLines(STATUS).stream()
          .filter(line -> line.startsWith("VmRSS:"))
          .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) << 10)
          .findFirst()
          .orElseThrow();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void step() {
    MoeLayer.MoeOutput output = layer.forward(x, RoutingPass.Infer.ofAll());
    Tensor task = output.hidden().square().mean();
    Tensor balance = new BalanceLoss.PerLayer().of(output.routings());
    Tensor loss = task.plus(balance).plus(ZLoss.of(output.routings()));
    Gradients.backward(loss);
    Gradients.clear(router);
    Gradients.clear(up);
    Gradients.clear(down);
  }

  /// Growth over the steps after a warm-up, with garbage of the Java heap out of the way.
  private static long growth(Runnable step) {
    long start = 0;
    for (int i = 0; i < STEPS; i++) {
      if (i == WARM_UP) {
        System.gc();
        start = residentBytes();
      }
      step.run();
    }
    System.gc();
    return residentBytes() - start;
  }

  @Test
  void residentMemoryStaysFlatOverThreeHundredSteps() {
    assumeTrue(Files.exists(STATUS), "only Linux tells resident memory this way");
    long growth =
        growth(() -> {
          try (TensorScope _ = TensorScope.open()) {
            step();
          }
        });
    assertThat(growth).isLessThan(32 * MIB);
  }

  @Test
  void stepsThatShareOneScopeLeakByComparison() {
    assumeTrue(Files.exists(STATUS), "only Linux tells resident memory this way");
    assertThat(growth(this::step)).isGreaterThan(200 * MIB);
  }
}
