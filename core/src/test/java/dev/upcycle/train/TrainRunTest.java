package dev.upcycle.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.TensorEntry;
import dev.upcycle.checkpoint.write.OutputException;
import dev.upcycle.plan.PlanException;
import dev.upcycle.recipe.Recipes;
import dev.upcycle.sample.SampleModel;
import dev.upcycle.sample.TinyModel;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainRunTest {
  @TempDir Path folder;
  private Runs runs;

  @BeforeEach
  void prepare() {
    runs = new Runs(folder);
  }

  private TrainRun.Result run(String out, TrainRun.Request request, TrainListener listener) {
    return TrainRun.run(request, folder.resolve(out), TrainRun.Mode.FRESH, listener);
  }

  /// Keeps what it hears.
  private static class Heard implements TrainListener {
    final List<StepReport> steps = new ArrayList<>();

    @Override
    public void stepped(StepReport step) {
      steps.add(step);
    }
  }

  @Test
  void stagesFollowOneAnotherAndTheEndHasExperts() throws IOException {
    Heard heard = new Heard();
    TrainRun.Result result = run("run", runs.request(Runs.TWO_STAGES), heard);
    assertThat(heard.steps).extracting(StepReport::stage).containsSubsequence("dense", "sparse");
    assertThat(result.steps()).isEqualTo(8);
    Checkpoint trained = Checkpoint.open(result.model());
    assertThat(trained.config().modelType()).isEqualTo("mixtral");
    assertThat(folder.resolve("run/checkpoints")).isDirectoryContaining("glob:**step-8");
    assertThat(Files.readAllLines(folder.resolve("run/2-sparse/metrics.jsonl"))).hasSize(4);
  }

  @Test
  void upcyclingLeavesTheLossAsItWas() {
    Heard dense = new Heard();
    String same =
        Runs.TWO_STAGES
            .replace("steps: 4", "steps: 1")
            .replace("rates: {all: 1.0e-3}", "rates: {all: 1.0e-30}")
            .replace("schedule: {warmup: {ratio: 0.25}}", "schedule: {}");
    run("run", runs.request(same), dense);
    assertThat(dense.steps).hasSize(2);
    assertThat(dense.steps.get(1).losses().crossEntropy())
        .isCloseTo(dense.steps.get(0).losses().crossEntropy(), Offset.offset(1e-5));
  }

  @Test
  void frozenTensorsKeepTheirBytesAndAllOthersMove() throws IOException {
    String experts = Runs.TWO_STAGES.replace("{all: 1.0e-3}", "{\"*.mlp.*\": 1.0e-3}");
    String dense = experts.replaceAll("(?m)^.*name: sparse.*\n", "");
    TrainRun.Request request = runs.request(dense);
    TrainRun.Result result = run("run", request, TrainListener.SILENT);
    Checkpoint trained = Checkpoint.open(result.model());
    for (TensorEntry before : request.source().tensors().values()) {
      TensorEntry after = trained.require(before.name());
      boolean moves = before.name().contains(".mlp.");
      assertThat(bytes(trained, after).equals(bytes(request.source(), before)))
          .as(before.name())
          .isEqualTo(!moves);
    }
  }

  private static String bytes(Checkpoint checkpoint, TensorEntry entry) {
    try (Arena arena = Arena.ofConfined()) {
      byte[] bytes = checkpoint.map(entry, arena).toArray(ValueLayout.JAVA_BYTE);
      return new String(bytes, StandardCharsets.ISO_8859_1);
    }
  }

  @Test
  void anInterruptedRunEndsItsStepAndGoesOnToTheSameBytes() {
    TrainRun.Result whole = run("whole", runs.request(Runs.TWO_STAGES), TrainListener.SILENT);
    TrainListener interrupting =
        new TrainListener() {
          @Override
          public void stepped(StepReport step) {
            if (step.step() == 3) {
              Thread.currentThread().interrupt();
            }
          }
        };
    assertThatThrownBy(() -> run("cut", runs.request(Runs.TWO_STAGES), interrupting))
        .isInstanceOf(CancellationException.class);
    assertThat(folder.resolve("cut/checkpoints")).isDirectoryContaining("glob:**step-3");
    TrainRun.Result resumed =
        TrainRun.run(
            runs.request(Runs.TWO_STAGES),
            folder.resolve("cut"),
            TrainRun.Mode.RESUME,
            TrainListener.SILENT);
    Runs.assertSameBytes(resumed.model(), whole.model());
    Runs.assertSameBytes(
        folder.resolve("cut/checkpoints/step-8"), folder.resolve("whole/checkpoints/step-8"));
  }

  @Test
  void aChangedRecipeIsRefusedByName() {
    run("run", runs.request(Runs.TWO_STAGES), TrainListener.SILENT);
    TrainRun.Request other = runs.request(Runs.TWO_STAGES, "train.defaults.clip_norm=2");
    assertThatThrownBy(() ->
            TrainRun.run(other, folder.resolve("run"), TrainRun.Mode.RESUME, TrainListener.SILENT))
        .isInstanceOf(OutputException.class)
        .hasMessageContaining("recipe: train.stages.0.clip_norm of stage dense was 1.0, is 2.0");
  }

  @Test
  void changedDataAreRefusedByName() throws IOException {
    String own = Runs.TWO_STAGES.replace("dense/held-out.txt", "rows.txt");
    SampleModel.writeTo(folder.resolve("dense"));
    Files.copy(folder.resolve("dense/held-out.txt"), folder.resolve("rows.txt"));
    run("run", runs.request(own), TrainListener.SILENT);
    Files.writeString(folder.resolve("rows.txt"), "other words");
    assertThatThrownBy(() ->
            TrainRun.run(
                runs.request(own),
                folder.resolve("run"),
                TrainRun.Mode.RESUME,
                TrainListener.SILENT))
        .isInstanceOf(OutputException.class)
        .hasMessageContaining("rows.txt is not what the run began with");
  }

  @Test
  void aModelFileWithOtherWeightsIsRefusedByName() throws IOException {
    run("run", runs.request(Runs.TWO_STAGES), TrainListener.SILENT);
    Path file = folder.resolve("dense/model.safetensors");
    byte[] weights = Files.readAllBytes(file);
    weights[weights.length - 1] ^= 1;
    Files.write(file, weights);
    assertThatThrownBy(() ->
            TrainRun.run(
                runs.request(Runs.TWO_STAGES),
                folder.resolve("run"),
                TrainRun.Mode.RESUME,
                TrainListener.SILENT))
        .isInstanceOf(OutputException.class)
        .hasMessageContaining("model file model.safetensors is not what the run began with");
  }

  @Test
  void aFolderThatHoldsSomethingIsRefused() throws IOException {
    Files.createDirectories(folder.resolve("run"));
    Files.writeString(folder.resolve("run/mine.txt"), "mine");
    assertThatThrownBy(() -> run("run", runs.request(Runs.TWO_STAGES), TrainListener.SILENT))
        .isInstanceOf(OutputException.class)
        .hasMessageContaining("it holds mine.txt");
  }

  @Test
  void aLossThatIsNotFiniteEndsTheRunAndNamesTheLastGoodCheckpoint() {
    TrainRun.Request wild =
        runs.request(
            Runs.TWO_STAGES,
            "train.defaults.rates={all: 1.0e+30}",
            "train.defaults.checkpoint.every=1",
            "train.defaults.schedule={}");
    assertThatThrownBy(() -> run("run", wild, TrainListener.SILENT))
        .isInstanceOf(NonFiniteLossException.class)
        .hasMessageContaining("of stage dense diverged")
        .hasMessageContaining("step-1");
  }

  @Test
  void aModelThatIsNoDecoderIsRefusedBeforeAFolderIsMade() {
    TrainRun.Request decoder = runs.request(Runs.TWO_STAGES);
    Path tower = folder.resolve("tower");
    TinyModel.write(
        Recipes.resolve(Recipes.text("clip-vit-4x2", folder), List.of(), Map.of()).recipe(), tower);
    TrainRun.Request wrong =
        new TrainRun.Request(
            Checkpoint.open(tower), decoder.recipe(), decoder.device(), decoder.threads());

    assertThatThrownBy(() -> run("run", wrong, TrainListener.SILENT))
        .isInstanceOf(PlanException.class)
        .hasMessageContaining(
            "a clip_vision_model is not trained here, only decoders and LLaVAs are");
    assertThat(folder.resolve("run")).doesNotExist();
  }

  @Test
  void aRateThatFitsNothingIsRefusedByName() {
    TrainRun.Request wrong = runs.request(Runs.TWO_STAGES, "train.defaults.rates={\"*.mpl.*\": 1}");
    assertThatThrownBy(() -> run("run", wrong, TrainListener.SILENT))
        .isInstanceOf(PlanException.class)
        .hasMessageContaining(
            "train.stages.0.rates of stage dense: '*.mpl.*' fits no tensor of the model");
  }

  @Test
  void cuttingABatchIntoMicroBatchesChangesNoMoreThanRoundings() {
    assertSameLosses("train.defaults.micro_batch=4", 1e-5);
  }

  @Test
  void recomputingLayersChangesNoMoreThanRoundings() {
    assertSameLosses("train.defaults.recompute=layers", 1e-5);
  }

  private void assertSameLosses(String setting, double tolerance) {
    String unbalanced =
        Runs.TWO_STAGES.replace(
            "losses: {balance: {weight: 0.01}, router_z: {weight: 0.001}}",
            setting.contains("micro")
                ? "losses: {}"
                : "losses: {balance: {weight: 1}, router_z: {weight: 0.1}}");
    Heard plain = new Heard();
    run("plain", runs.request(unbalanced), plain);
    Heard other = new Heard();
    run("other", runs.request(unbalanced, setting), other);
    assertThat(other.steps).hasSameSizeAs(plain.steps);
    for (int i = 0; i < plain.steps.size(); i++) {
      assertThat(other.steps.get(i).losses().total())
          .as("step " + i)
          .isCloseTo(plain.steps.get(i).losses().total(), Offset.offset(tolerance));
    }
  }

  @Test
  void bfloat16EndsARoundingFromFloat32AndAnotherRateDoesNot() {
    double exact = lastCrossEntropy("plain");
    double reduced = lastCrossEntropy("reduced", "train.defaults.precision=bf16");
    double fast =
        lastCrossEntropy(
            "fast", "train.defaults.precision=bf16", "train.defaults.rates={all: 2.0e-3}");
    double rounding = exact * Math.scalb(1.0, -8);
    assertThat(reduced).isNotEqualTo(exact).isCloseTo(exact, Offset.offset(rounding));
    assertThat(fast).isNotCloseTo(exact, Offset.offset(rounding));
  }

  private double lastCrossEntropy(String run, String... settings) {
    Heard heard = new Heard();
    run(run, runs.request(Runs.TWO_STAGES, settings), heard);
    return heard.steps.getLast().losses().crossEntropy();
  }

  @Test
  void everySourceOfTheValidationHasItsOwnLossAndTheirMeanDecides() throws IOException {
    Files.writeString(folder.resolve("newton.txt"), "The Rays of Light which are refracted.");
    Files.writeString(folder.resolve("noise.txt"), "zqxjkvbpygfwmucldrhs 0987654321");
    String setting =
        "train.stages.0.validate={path: [%s, %s]}"
            .formatted(folder.resolve("newton.txt"), folder.resolve("noise.txt"));
    List<ValidationLoss> heard = new ArrayList<>();
    run(
        "run",
        runs.request(Runs.TWO_STAGES, setting, "train.defaults.steps=1"),
        new TrainListener() {
          @Override
          public void validated(long step, ValidationLoss loss) {
            heard.add(loss);
          }
        });
    ValidationLoss loss = heard.getFirst();
    double newton = loss.sources().getOrDefault("newton.txt", Double.NaN);
    double noise = loss.sources().getOrDefault("noise.txt", Double.NaN);
    assertThat(noise).isGreaterThan(newton + 1);
    assertThat(loss.mean()).isCloseTo((newton + noise) / 2, Offset.offset(1e-12));
    assertThat(Files.readAllLines(folder.resolve("run/1-dense/metrics.jsonl")).getLast())
        .contains("\"validation_loss\":" + loss.mean())
        .contains("\"validation_loss.newton.txt\":" + newton)
        .contains("\"validation_loss.noise.txt\":" + noise);
  }
}
