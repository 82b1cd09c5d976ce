package dev.upcycle.train;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.kernels.moe.NoiseCounter;
import dev.upcycle.kernels.tensor.Functions;
import dev.upcycle.kernels.tensor.Gradients;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.TensorScope;
import dev.upcycle.kernels.tensor.Tensors;
import dev.upcycle.recipe.Part;
import dev.upcycle.recipe.Stage;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.assertj.core.data.Offset;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// CuMo's last stage against torch's, and what its formulas say of particular routers.
class CumoParityTest {
  private static final Offset<Double> CLOSE = Offset.offset(1e-5);
  private static final String LAST_LAYER = "encoder.layers.2.";
  private static final NoiseCounter NO_NOISE = new NoiseCounter(0, 0, 0, 0, 0);

  @TempDir private static Path folder;
  private static Checkpoint upcycled;

  private final CumoGolden golden = CumoGolden.read();

  @BeforeAll
  static void upcycle() {
    upcycled = CumoGolden.upcycle(folder.resolve("moe"));
  }

  private static RouterMeasures of(StepLosses losses, Part part) {
    return Objects.requireNonNull(losses.routers().get(part), part.key());
  }

  @ParameterizedTest
  @ValueSource(strings = {"none", "layers"})
  void lossesAreTorchsStepByStep(String recompute) {
    Stage stage = CumoGolden.stage("train.stages.0.recompute=" + recompute);
    LrSchedule schedule = LrSchedule.of(stage.updates().schedule(), golden.steps());
    try (StageModel model = CumoGolden.open(upcycled, stage)) {
      for (int step = 0; step < golden.steps(); step++) {
        StepLosses losses = model.backward(List.of(golden.batch(step)), NO_NOISE);
        double norm = model.optimizer().step(schedule.share(step)).gradientNorm();
        assertLosses(losses, step);
        assertThat(norm)
            .as("gradient norm of step " + step)
            .isCloseTo(golden.loss(step, "gradient_norm"), Percentage.withPercentage(0.01));
      }
    }
  }

  private void assertLosses(StepLosses found, int step) {
    assertThat(found.total())
        .as("total of step " + step)
        .isCloseTo(golden.loss(step, "total"), CLOSE);
    assertThat(found.crossEntropy())
        .as("cross-entropy of step " + step)
        .isCloseTo(golden.loss(step, "cross_entropy"), CLOSE);
    for (Part part : List.of(Part.VISION, Part.CONNECTOR)) {
      assertThat(of(found, part).balance())
          .as("balance of the %s in step %d", part.key(), step)
          .isCloseTo(golden.loss(step, "balance_" + part.key()), CLOSE);
      assertThat(of(found, part).routerZ() / golden.loss(step, "router_z_" + part.key()))
          .as("z of the %s in step %d", part.key(), step)
          .isCloseTo(1, CLOSE);
    }
  }

  @Test
  void noRouterOfTheRecordIsUndecided() {
    for (int step = 0; step < golden.steps(); step++) {
      assertThat(golden.loss(step, "first_margin")).as("step " + step).isGreaterThan(5e-5);
      assertThat(golden.loss(step, "chosen_margin")).as("step " + step).isGreaterThan(5e-5);
    }
  }

  /// A step's losses, and what is left of it in the model.
  private static StepLosses step(
      Checkpoint checkpoint, Stage stage, Consumer<StageModel> before, Consumer<StageModel> after) {
    try (StageModel model = CumoGolden.open(checkpoint, stage);
        TensorScope _ = TensorScope.open()) {
      try (Gradients.Pause _ = Gradients.pause()) {
        before.accept(model);
      }
      StepLosses losses = model.backward(List.of(CumoGolden.read().batch(0)), NO_NOISE);
      after.accept(model);
      return losses;
    }
  }

  private static StepLosses withRouters(Consumer<StageModel> change) {
    return step(upcycled, CumoGolden.stage(), change, _ -> {});
  }

  @Test
  void balanceIsOneForUniformRoutersAndZIsTheSquareOfTheLogarithm() {
    StepLosses losses =
        withRouters(model ->
            some(model, name -> name.endsWith("gate.weight"))
                .forEach(gate -> gate.timesInPlace(0)));
    for (Part part : List.of(Part.VISION, Part.CONNECTOR)) {
      assertThat(of(losses, part).balance()).isCloseTo(1, Offset.offset(1e-6));
      assertThat(of(losses, part).routerZ())
          .isCloseTo(Math.pow(Math.log(4), 2), Offset.offset(1e-6));
    }
  }

  @Test
  void balanceIsTheNumberOfExpertsWhenTheTowerSendsAllToOne() {
    StepLosses losses = withRouters(CumoParityTest::collapse);
    assertThat(of(losses, Part.VISION).balance()).isCloseTo(4, Offset.offset(1e-6));
    assertThat(of(losses, Part.CONNECTOR).balance()).isLessThan(2);
  }

  /// Lets routers see nothing but the bias of the norm before them, and the first row like it.
  private static void collapse(StageModel model) {
    for (int layer = 0; layer < 3; layer++) {
      String own = "model.vision_tower.vision_model.encoder.layers." + layer + ".";
      Map<String, Tensor> parameters = model.parameters();
      Objects.requireNonNull(parameters.get(own + "layer_norm2.weight")).timesInPlace(0);
      float[] bias = Objects.requireNonNull(parameters.get(own + "layer_norm2.bias")).toFloats();
      float[] rows = new float[4 * bias.length];
      for (int i = 0; i < bias.length; i++) {
        rows[i] = 1000 * bias[i];
      }
      Objects.requireNonNull(parameters.get(own + "gate.weight"))
          .copyInPlace(Tensors.of(rows, 4, bias.length));
    }
  }

  @Test
  void firstLossIsThatOfTheDenseModel() {
    Stage plain =
        CumoGolden.stage(
            "train.stages.0.losses.balance.weight=0", "train.stages.0.losses.router_z.weight=0");
    double dense = step(CumoGolden.dense(), plain, _ -> {}, _ -> {}).total();
    double sparse = step(upcycled, plain, _ -> {}, _ -> {}).total();
    assertThat(dense).isCloseTo(golden.number("dense_cross_entropy"), Offset.offset(2e-6));
    assertThat(sparse).isCloseTo(dense, Offset.offset(2e-6));
  }

  private static List<Tensor> some(StageModel model, Predicate<String> names) {
    return model.parameters().entrySet().stream()
        .filter(entry -> names.test(entry.getKey()))
        .map(Map.Entry::getValue)
        .toList();
  }

  /// The largest length of a router's gradient, in units of the largest of an expert's.
  private static double routerGradient(String... settings) {
    double[] ratio = new double[1];
    step(
        upcycled,
        CumoGolden.stage(settings),
        _ -> {},
        model ->
            ratio[0] =
                largest(some(model, name -> name.endsWith("gate.weight")))
                    / largest(some(model, name -> name.contains(".experts."))));
    return ratio[0];
  }

  private static double largest(List<Tensor> parameters) {
    return parameters.stream()
        .flatMap(parameter -> Gradients.find(parameter).stream())
        .mapToDouble(gradient -> Functions.norm(gradient).item())
        .max()
        .orElse(0);
  }

  @Test
  void routersHaveNoGradientWithoutALossOfTheirOwn() {
    assertThat(
            routerGradient(
                "train.stages.0.losses.balance.weight=0",
                "train.stages.0.losses.router_z.weight=0"))
        .isLessThan(1e-5);
  }

  @Test
  void routersMoveByTheirOwnLosses() {
    assertThat(routerGradient()).isGreaterThan(1e-2);
  }

  @Test
  void expertsBehindTheStatesThatAreUsedStayEqualWhileTheirRouterMoves() {
    Stage stage = CumoGolden.stage();
    try (StageModel model = CumoGolden.open(upcycled, stage)) {
      for (int step = 0; step < 3; step++) {
        model.backward(List.of(golden.batch(step)), NO_NOISE);
        model.optimizer().step(1);
      }
      assertThat(distance(model, name -> name.contains(LAST_LAYER + "experts."))).isZero();
      assertThat(distance(model, name -> name.contains(LAST_LAYER + "gate."))).isPositive();
      assertThat(distance(model, name -> name.contains("encoder.layers.1.experts."))).isPositive();
    }
  }

  /// How far tensors are from those that the stage began with.
  private static double distance(StageModel model, Predicate<String> names) {
    try (TensorScope _ = TensorScope.open();
        StageModel began = CumoGolden.open(upcycled, CumoGolden.stage())) {
      List<Tensor> before = some(began, names);
      List<Tensor> now = some(model, names);
      assertThat(now).hasSameSizeAs(before).isNotEmpty();
      double sum = 0;
      for (int i = 0; i < now.size(); i++) {
        float[] old = before.get(i).toFloats();
        float[] moved = now.get(i).toFloats();
        sum += Arrays.equals(old, moved) ? 0 : 1;
      }
      return sum;
    }
  }
}
