package dev.upcycle.train;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.TensorEntry;
import dev.upcycle.checkpoint.write.CheckpointWriter;
import dev.upcycle.convert.Manifest;
import dev.upcycle.convert.PlanExecutor;
import dev.upcycle.convert.Progress;
import dev.upcycle.densify.DensePlan;
import dev.upcycle.plan.Planner;
import dev.upcycle.verify.Verifier;
import dev.upcycle.verify.VerifyReport;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What the models of a run say of where they come from.
class LineageTest {
  /// Attention trains before there are experts, experts and routers after.
  private static final String PARTS =
      """
      recipe: 1
      language: {experts: {count: 4}}
      train:
        defaults:
          batch: 2
          micro_batch: 2
          steps: 2
          data: {path: dense/held-out.txt, max_tokens: 24}
        stages:
          - {name: dense, rates: {"*self_attn*": 1.0e-2}}
          - {name: sparse, upcycle: language, rates: {experts: 1.0e-2, routers: 1.0e-2}}
      """;

  private static final String FROZEN = "model.norm.weight";
  private static final String BEFORE = "model.layers.0.self_attn.q_proj.weight";

  @TempDir Path folder;
  private Runs runs;

  @BeforeEach
  void prepare() {
    runs = new Runs(folder);
  }

  private Path trained(TrainRun.Request request) {
    return TrainRun.run(request, folder.resolve("run"), TrainRun.Mode.FRESH, TrainListener.SILENT)
        .model();
  }

  private VerifyReport verify(Path target) {
    return Verifier.verify(
        Optional.of(folder.resolve("dense")),
        target,
        Verifier.Expectation.TRAINED,
        Progress.SILENT);
  }

  /// Turns a bit of a tensor's first number.
  private static void damage(Path model, String name) throws IOException {
    TensorEntry tensor = Checkpoint.open(model).require(name);
    try (FileChannel file =
        FileChannel.open(tensor.file(), StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      ByteBuffer one = ByteBuffer.allocate(1);
      file.read(one, tensor.offset());
      file.write(ByteBuffer.wrap(new byte[] {(byte) (one.get(0) ^ 1)}), tensor.offset());
    }
  }

  @Test
  void whatAStageMadeExpertsOfIsVerifiedAgainstWhatTheRunBeganWith() {
    Path model = trained(runs.request(PARTS));

    VerifyReport report = verify(model);

    assertThat(report.failures()).isEmpty();
    assertThat(report.remarks()).noneMatch(remark -> remark.contains("does not list it"));
    assertThat(Manifest.read(model).frozen().orElseThrow())
        .contains(FROZEN, "model.embed_tokens.weight")
        .noneMatch(name ->
            name.contains("self_attn") || name.contains("experts") || name.contains("gate"));
  }

  @Test
  void aFrozenTensorThatChangedIsFound() throws IOException {
    Path model = trained(runs.request(PARTS));
    damage(model, FROZEN);

    assertThat(verify(model).failures())
        .singleElement()
        .satisfies(failure -> assertThat(failure.tensor()).isEqualTo(FROZEN));
  }

  @Test
  void whatTrainedBeforeThereWereExpertsIsNotHeldToTheSource() throws IOException {
    Path model = trained(runs.request(PARTS));
    damage(model, BEFORE);

    assertThat(verify(model).passed()).isTrue();
  }

  @Test
  void aCheckpointTellsItToo() {
    trained(runs.request(PARTS));

    assertThat(verify(folder.resolve("run/checkpoints/step-4/model")).failures()).isEmpty();
  }

  @Test
  void weightsInAnotherTypeThanTheSourceAreThoseThatTrained() {
    Path model = trained(runs.request(PARTS, "train.defaults.precision=f32"));

    assertThat(verify(model).failures()).isEmpty();
    assertThat(Checkpoint.open(model).require(BEFORE).dtype())
        .isNotEqualTo(Checkpoint.open(folder.resolve("dense")).require(BEFORE).dtype());
  }

  @Test
  void theTensorsOfTheDenseModelAreToldForDensify() {
    Path model = trained(runs.request(PARTS));

    Checkpoint dense = Checkpoint.open(folder.resolve("dense"));

    assertThat(DensePlan.of(Checkpoint.open(model)).parameters())
        .isEqualTo(
            dense.tensors().values().stream().mapToLong(tensor -> tensor.shape().elements()).sum());
  }

  @Test
  void anEarlierConversionIsCarriedAlong() {
    TrainRun.Request dense = runs.request(Runs.TWO_STAGES);
    PlanExecutor.run(
        Planner.plan(dense.source(), dense.recipe()),
        dense.source(),
        new PlanExecutor.Options(folder.resolve("moe"), CheckpointWriter.Mode.FRESH, 1),
        Progress.SILENT);
    TrainRun.Request mixture =
        runs.request(PARTS.replaceFirst("(?m)^ *- \\{name: sparse.*\\n", ""));
    Checkpoint source = Checkpoint.open(folder.resolve("moe"));
    Path model = trained(new TrainRun.Request(source, mixture.recipe(), mixture.device(), 1));

    assertThat(verify(model).failures()).isEmpty();
    Set<String> frozen = Manifest.read(model).frozen().orElseThrow();
    assertThat(frozen)
        .contains(FROZEN)
        .anyMatch(name -> name.contains("experts"))
        .doesNotContain(BEFORE);
  }

  @Test
  void aDenseModelHasNoSuchFile() {
    Path model = trained(runs.request(PARTS.replaceFirst("(?m)^ *- \\{name: sparse.*\\n", "")));

    assertThat(Files.exists(model.resolve(Manifest.FILE_NAME))).isFalse();
  }
}
