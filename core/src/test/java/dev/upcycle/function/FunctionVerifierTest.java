package dev.upcycle.function;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.TensorEntry;
import dev.upcycle.convert.Progress;
import dev.upcycle.function.FunctionVerifier.Expectation;
import dev.upcycle.function.FunctionVerifier.Obstacle;
import dev.upcycle.function.FunctionVerifier.Question;
import dev.upcycle.model.EditedModel;
import dev.upcycle.sample.Quickstart;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FunctionVerifierTest {
  private static final String DAMAGED = "model.layers.2.block_sparse_moe.experts.1.w2.weight";

  @TempDir private Path folder;

  @BeforeEach
  void convertSample() {
    Quickstart.run(folder, Progress.SILENT);
  }

  private FunctionReport verify(Expectation expectation) throws InterruptedException {
    return FunctionVerifier.verify(
        Checkpoint.open(folder.resolve("dense")),
        Checkpoint.open(folder.resolve("moe")),
        new Question(expectation, List.of()),
        (done, total) -> {});
  }

  /// Flips the sign bit of one element, the last byte of a little-endian value.
  private void flipOneSign() throws IOException {
    TensorEntry tensor = Checkpoint.open(folder.resolve("moe")).require(DAMAGED);
    int width = tensor.dtype().bits() / Byte.SIZE;
    try (FileChannel file =
        FileChannel.open(tensor.file(), StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      long at = tensor.offset() + width - 1;
      ByteBuffer last = ByteBuffer.allocate(1);
      file.read(last, at);
      last.put(0, (byte) (last.get(0) ^ 0x80)).rewind();
      file.write(last, at);
    }
  }

  @Test
  void copiedExpertsPreserveTheFunction() throws InterruptedException {
    FunctionReport report = verify(Expectation.CONVERTED);

    assertThat(report.failures()).isEmpty();
    assertThat(report.whyNotJudged()).isEmpty();
    assertThat(report.results())
        .extracting(FunctionReport.Result::name)
        .containsExactly("embeddings", "logits");
    assertThat(report.results())
        .allSatisfy(result ->
            assertThat(result.errors().accumulated())
                .isLessThanOrEqualTo(report.limit(result.errors())));
    assertThat(report.inputs().tokens()).isEqualTo(128);
  }

  @Test
  void gateWeightsOfEveryTokenSumToOne() throws InterruptedException {
    assertThat(verify(Expectation.CONVERTED).layers())
        .hasSize(4)
        .allSatisfy(layer ->
            assertThat(layer.findGates())
                .hasValueSatisfying(gates ->
                    assertThat(Math.max(1 - gates.least(), gates.most() - 1)).isLessThan(1e-6)));
  }

  @Test
  void wrongExpertWouldShow() throws InterruptedException {
    FunctionReport report = verify(Expectation.CONVERTED);

    assertThat(report.findControl())
        .hasValueSatisfying(
            control -> assertThat(control.error()).isGreaterThan(1000 * report.bound()));
  }

  @Test
  void oneFlippedSignIsCaughtAndItsLayerNamed() throws Exception {
    flipOneSign();

    FunctionReport report = verify(Expectation.CONVERTED);

    assertThat(report.failures().getFirst().subject()).isEqualTo("layer 2");
    assertThat(report.layers().get(1).errors().alone()).isLessThanOrEqualTo(report.bound());
    assertThat(report.layers().get(3).errors().alone())
        .describedAs("the layer after reads wrong states and computes rightly")
        .isLessThanOrEqualTo(report.bound());
  }

  @Test
  void distanceOfATrainedTargetIsReportedAndNotJudged() throws Exception {
    flipOneSign();

    FunctionReport report = verify(Expectation.TRAINED);

    assertThat(report.passed()).isTrue();
    assertThat(report.whyNotJudged()).isPresent();
    assertThat(report.firstParting())
        .hasValueSatisfying(it -> assertThat(it.place().layer()).isEqualTo(2));
  }

  private Optional<Obstacle.Cause> cause(Path dense, Path target) {
    return FunctionVerifier.obstacle(Checkpoint.open(dense), Checkpoint.open(target))
        .map(Obstacle::cause);
  }

  @Test
  void targetThatIsNotBoundIsNotTheFaultOfItsSource() throws IOException {
    Path dense = folder.resolve("dense");
    Path unbound = folder.resolve("unbound");
    EditedModel.of(Checkpoint.open(folder.resolve("moe")))
        .config("hidden_act", "\"made_up\"")
        .write(unbound);

    assertThat(cause(dense, folder.resolve("moe"))).isEmpty();
    assertThat(cause(dense, unbound)).contains(Obstacle.Cause.TARGET);
    assertThat(cause(unbound, dense)).contains(Obstacle.Cause.MODELS);
  }

  /// Zeros in every router, which then send all tokens to the same two experts.
  private EditedModel withRoutersOfZeros() {
    EditedModel edited = EditedModel.of(Checkpoint.open(folder.resolve("moe")));
    for (int layer = 0; layer < 4; layer++) {
      edited.zeroed("model.layers.%d.block_sparse_moe.gate.weight".formatted(layer));
    }
    return edited;
  }

  private FunctionReport verify(EditedModel edited, Expectation expectation) throws Exception {
    Path target = edited.write(folder.resolve("edited")).directory();
    Files.copy(
        folder.resolve("moe/upcycle.json"),
        target.resolve("upcycle.json"),
        StandardCopyOption.REPLACE_EXISTING);
    return FunctionVerifier.verify(
        Checkpoint.open(folder.resolve("dense")),
        Checkpoint.open(target),
        new Question(expectation, List.of()),
        (done, total) -> {});
  }

  @Test
  void expertsThatNoRouterChoosesAreRunToo() throws Exception {
    FunctionReport report = verify(withRoutersOfZeros(), Expectation.CONVERTED);

    assertThat(report.failures()).isEmpty();
    assertThat(report.layersWithMissedExperts()).isEmpty();
    assertThat(report.layers())
        .allSatisfy(layer ->
            assertThat(layer.findExperts())
                .hasValueSatisfying(run -> assertThat(run.unchosen()).hasSize(run.count() - 2)));
  }

  @Test
  void wrongExpertThatNoRouterChoosesIsCaught() throws Exception {
    int unchosen =
        verify(withRoutersOfZeros(), Expectation.CONVERTED)
            .layers()
            .get(2)
            .findExperts()
            .orElseThrow()
            .unchosen()
            .getLast();

    FunctionReport report =
        verify(
            withRoutersOfZeros()
                .signFlipped(
                    "model.layers.2.block_sparse_moe.experts.%d.w2.weight".formatted(unchosen), 0),
            Expectation.CONVERTED);

    assertThat(report.failures().getFirst().subject()).isEqualTo("layer 2");
  }

  @Test
  void expertsThatTrainingLeavesUnchosenAreNamed() throws Exception {
    FunctionReport report = verify(withRoutersOfZeros(), Expectation.TRAINED);

    assertThat(report.layersWithMissedExperts()).hasSize(4);
    assertThat(report.layersWithMissedExperts().getFirst().findExperts())
        .hasValueSatisfying(run -> assertThat(run.missed()).isEqualTo(run.unchosen()));
  }
}
