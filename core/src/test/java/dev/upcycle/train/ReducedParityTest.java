package dev.upcycle.train;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.kernels.moe.NoiseCounter;
import dev.upcycle.kernels.optim.AdamW;
import dev.upcycle.kernels.tensor.DType;
import dev.upcycle.model.DecoderModel;
import dev.upcycle.recipe.Stage;
import dev.upcycle.recipe.Updates;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// bfloat16 with float32 masters against torch's float32 losses, and against what torch itself
/// makes of bfloat16, recorded by `test-fixtures/interop/make_train_bf16_golden.py`.
///
/// The bounds and their reasons stand in `PRECISION.md`.
class ReducedParityTest {
  /// The largest relative error of one rounding to bfloat16, which keeps 8 bits.
  private static final double ROUNDING = Math.scalb(1.0, -8);

  private enum Masters {
    KEPT,
    ROUNDED
  }

  /// Differences of the cross-entropy of each step from torch's in float32.
  ///
  /// @param mean with their signs: roundings cancel in it, a lost part of every step does not
  /// @param spread root of their mean square
  private record Distance(double mean, double spread) {
    static Distance of(List<Double> losses, List<Double> exact) {
      double[] apart =
          IntStream.range(0, exact.size()).mapToDouble(i -> losses.get(i) - exact.get(i)).toArray();
      double mean = IntStream.range(0, apart.length).mapToDouble(i -> apart[i]).sum();
      double square = IntStream.range(0, apart.length).mapToDouble(i -> apart[i] * apart[i]).sum();
      return new Distance(mean / apart.length, Math.sqrt(square / apart.length));
    }
  }

  private static List<Double> exact() throws IOException {
    return TorchParityTest.golden()
        .path("losses")
        .valueStream()
        .map(step -> TorchParityTest.number(step, "cross_entropy"))
        .toList();
  }

  private static Distance recorded(String run) throws IOException {
    JsonNode reduced =
        JsonMapper.shared()
            .readTree(Files.readString(TorchParityTest.GOLDEN.resolve("losses-bf16.json")));
    return Distance.of(reduced.path(run).valueStream().map(JsonNode::asDouble).toList(), exact());
  }

  private static Distance trained(Masters masters, double rateFactor) throws IOException {
    JsonNode golden = TorchParityTest.golden();
    Updates updates =
        TorchParityTest.updates(golden, rateFactor * TorchParityTest.number(golden, "rate"));
    int steps = golden.path("steps").asInt();
    LrSchedule schedule = LrSchedule.of(updates.schedule(), steps);
    List<Double> losses = new ArrayList<>();
    try (DecoderModel model = TorchParityTest.open(DType.BF16);
        StageOptimizer optimizer =
            new StageOptimizer(TorchParityTest.groups(model, updates), updates)) {
      DecoderPass pass =
          new DecoderPass(
              new TrainedModel.Reading(model),
              new RouterLosses(TorchParityTest.auxiliary(golden)),
              Stage.Recomputation.NONE);
      for (int step = 0; step < steps; step++) {
        NoiseCounter noise = new NoiseCounter(0, 0, step, 0, 0);
        List<TokenBatch> batch = List.of(TorchParityTest.batch(golden, step));
        losses.add(pass.backward(batch, noise).crossEntropy());
        optimizer.step(schedule.share(step));
        if (masters == Masters.ROUNDED) {
          optimizer.moments().values().forEach(ReducedParityTest::forgetMaster);
        }
      }
    }
    return Distance.of(losses, exact());
  }

  private static void forgetMaster(AdamW.Moments moments) {
    moments.master().copyInPlace(moments.parameter());
  }

  /// How far the mean may be: what one rounding of the loss itself would make.
  private static double bound() throws IOException {
    return ROUNDING * exact().stream().mapToDouble(Double::doubleValue).average().orElseThrow();
  }

  @Test
  void lossesAreFloat32sButForRoundingsThatCancel() throws IOException {
    Distance ours = trained(Masters.KEPT, 1);
    assertThat(Math.abs(ours.mean())).isLessThan(bound());
    assertThat(ours.spread()).isLessThan(2 * recorded("masters").spread());
  }

  @Test
  void torchsOwnLossesAreWithinTheBound() throws IOException {
    assertThat(Math.abs(recorded("masters").mean())).isLessThan(bound());
  }

  @Test
  void mastersThatAreRoundedAfterEachStepMissTheBounds() throws IOException {
    Distance lost = trained(Masters.ROUNDED, 1);
    assertThat(lost.mean()).isGreaterThan(bound());
    assertThat(lost.spread()).isGreaterThan(2 * recorded("masters").spread());
  }

  @Test
  void torchWithoutMastersMissesTheBoundsToo() throws IOException {
    assertThat(recorded("rounded").mean()).isGreaterThan(bound());
    assertThat(recorded("rounded").spread()).isGreaterThan(2 * recorded("masters").spread());
  }

  @Test
  void twiceTheRateMissesTheBounds() throws IOException {
    Distance fast = trained(Masters.KEPT, 2);
    assertThat(fast.mean()).isLessThan(-bound());
    assertThat(fast.spread()).isGreaterThan(2 * recorded("masters").spread());
  }
}
