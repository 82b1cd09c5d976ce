package dev.upcycle.train;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.arch.Composition;
import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.kernels.moe.NoiseCounter;
import dev.upcycle.kernels.tensor.DType;
import dev.upcycle.kernels.tensor.Device;
import dev.upcycle.kernels.tensor.Gradients;
import dev.upcycle.kernels.tensor.TensorScope;
import dev.upcycle.model.DecoderModel;
import dev.upcycle.model.ModelOptions;
import dev.upcycle.recipe.AuxiliaryLosses;
import dev.upcycle.recipe.Part;
import dev.upcycle.recipe.Stage;
import dev.upcycle.recipe.Updates;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import org.assertj.core.data.Offset;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Against a training run of transformers and torch in float32, recorded by
/// `test-fixtures/interop/make_train_golden.py`.
class TorchParityTest {
  static final Path GOLDEN =
      Path.of(System.getProperty("upcycle.root"))
          .resolve("test-fixtures/src/main/resources/dev/upcycle/fixtures/golden/train/mixtral");
  private static final int STRICT_STEPS = 10;

  static JsonNode golden() throws IOException {
    return JsonMapper.shared().readTree(Files.readString(GOLDEN.resolve("losses.json")));
  }

  static Updates updates(JsonNode golden, double rate) {
    SequencedMap<String, Double> rates = new LinkedHashMap<>(Map.of("all", rate));
    return new Updates(
        rates,
        new Updates.AdamWSettings(
            golden.path("betas").path(0).asDouble(),
            golden.path("betas").path(1).asDouble(),
            number(golden, "epsilon"),
            number(golden, "weight_decay"),
            List.of("*norm*")),
        new Updates.ScheduleSettings(
            new Updates.Course.Cosine(0),
            new Updates.Warmup(
                Updates.Rise.LINEAR, number(golden, "warmup") / number(golden, "steps"))),
        Optional.of(number(golden, "clip_norm")),
        Optional.empty());
  }

  static double number(JsonNode golden, String key) {
    return golden.path(key).asDouble();
  }

  static DecoderModel open(DType compute) {
    return DecoderModel.open(
        Checkpoint.open(GOLDEN.resolve("model")), new ModelOptions(Device.CPU, compute));
  }

  static TokenBatch batch(JsonNode golden, int step) {
    int seq = golden.path("seq").asInt();
    long[] ids = new long[golden.path("rows").asInt() * seq];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = golden.path("ids").path(step * ids.length + i).asLong();
    }
    return TokenBatch.ofSequences(ids, seq);
  }

  static AuxiliaryLosses auxiliary(JsonNode golden) {
    return Runs.losses(
        AuxiliaryLosses.Balance.POOLED, number(golden, "balance"), number(golden, "router_z"));
  }

  private static List<StepLosses> train(JsonNode golden, Stage.Recomputation how) {
    Updates updates = updates(golden, number(golden, "rate"));
    int steps = golden.path("steps").asInt();
    LrSchedule schedule = LrSchedule.of(updates.schedule(), steps);
    List<StepLosses> losses = new ArrayList<>();
    try (DecoderModel model = open(DType.F32);
        StageOptimizer optimizer = new StageOptimizer(groups(model, updates), updates)) {
      DecoderPass pass =
          new DecoderPass(
              new TrainedModel.Reading(model), new RouterLosses(auxiliary(golden)), how);
      for (int step = 0; step < steps; step++) {
        NoiseCounter noise = new NoiseCounter(0, 0, step, 0, 0);
        losses.add(pass.backward(List.of(batch(golden, step)), noise));
        double norm = optimizer.step(schedule.share(step)).gradientNorm();
        if (step < STRICT_STEPS) {
          assertThat(norm)
              .as("gradient norm of step " + step)
              .isCloseTo(
                  golden.path("losses").path(step).path("gradient_norm").asDouble(),
                  Percentage.withPercentage(0.01));
        }
      }
    }
    return losses;
  }

  static List<ParameterGroup> groups(DecoderModel model, Updates updates) {
    Composition names = Composition.read(model.config(), model.parameters().keySet());
    return new ParameterChoice(names).groups(model.parameters(), updates);
  }

  private static RouterMeasures language(StepLosses losses) {
    return Optional.ofNullable(losses.routers().get(Part.LANGUAGE)).orElseThrow();
  }

  @ParameterizedTest
  @EnumSource
  void lossesAreTorchsStepByStep(Stage.Recomputation how) throws IOException {
    JsonNode golden = golden();
    List<StepLosses> losses = train(golden, how);
    for (int step = 0; step < losses.size(); step++) {
      JsonNode expected = golden.path("losses").path(step);
      Offset<Double> near = Offset.offset(step < STRICT_STEPS ? 1e-5 : 1e-3);
      String which = "of step " + step;
      StepLosses found = losses.get(step);
      assertThat(found.total()).as(which).isCloseTo(number(expected, "total"), near);
      assertThat(found.crossEntropy()).as(which).isCloseTo(number(expected, "cross_entropy"), near);
      assertThat(language(found).balance()).as(which).isCloseTo(number(expected, "balance"), near);
      assertThat(language(found).routerZ() / number(expected, "router_z"))
          .as(which)
          .isCloseTo(1, Offset.offset(step < STRICT_STEPS ? 1e-5 : 1e-3));
    }
  }

  @Test
  void noRouterOfTheRecordIsUndecidedInTheStrictSteps() throws IOException {
    JsonNode losses = golden().path("losses");
    for (int step = 0; step < STRICT_STEPS; step++) {
      assertThat(number(losses.path(step), "margin")).as("step " + step).isGreaterThan(2e-5);
    }
  }

  @Test
  void balanceIsOneForUniformRoutersAndZIsTheSquareOfTheLogarithm() {
    StepLosses losses = withRouters(0);
    assertThat(language(losses).balance()).isCloseTo(1, Offset.offset(1e-6));
    assertThat(language(losses).routerZ()).isCloseTo(Math.pow(Math.log(8), 2), Offset.offset(1e-5));
  }

  private static StepLosses withRouters(double factor) {
    AuxiliaryLosses auxiliary = Runs.losses(AuxiliaryLosses.Balance.SWITCH, 1, 1);
    try (DecoderModel model = open(DType.F32);
        TensorScope _ = TensorScope.open()) {
      model
          .parameters()
          .forEach((name, tensor) -> {
            if (name.contains("gate.weight")) {
              tensor.timesInPlace(factor);
            }
          });
      model.parameters().values().forEach(Gradients::track);
      DecoderPass pass =
          new DecoderPass(
              new TrainedModel.Reading(model),
              new RouterLosses(auxiliary),
              Stage.Recomputation.NONE);
      return pass.backward(
          List.of(TokenBatch.ofSequences(new long[] {1, 2, 3, 4, 5, 6, 7, 8}, 8)),
          new NoiseCounter(0, 0, 0, 0, 0));
    }
  }
}
