package dev.upcycle.calibrate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.upcycle.TestRecipes;
import dev.upcycle.arch.Architecture;
import dev.upcycle.calibrate.RouterKind.State;
import dev.upcycle.calibrate.RouterKind.Tokens;
import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.DType;
import dev.upcycle.checkpoint.write.CheckpointWriter.Mode;
import dev.upcycle.checkpoint.write.OutputException;
import dev.upcycle.convert.PlanExecutor;
import dev.upcycle.convert.Progress;
import dev.upcycle.data.Tokenizer;
import dev.upcycle.function.FunctionReport;
import dev.upcycle.function.FunctionVerifier;
import dev.upcycle.kernels.tensor.Device;
import dev.upcycle.kernels.tensor.LibTorch;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.TensorScope;
import dev.upcycle.kernels.tensor.Tensors;
import dev.upcycle.model.LayerWalk;
import dev.upcycle.plan.PlanException;
import dev.upcycle.plan.Planner;
import dev.upcycle.plan.UpcyclePlan;
import dev.upcycle.route.Choice;
import dev.upcycle.route.LabelledText;
import dev.upcycle.route.RoutedLayer;
import dev.upcycle.route.RoutingPreview;
import dev.upcycle.sample.SampleModel;
import dev.upcycle.text.TextModel;
import dev.upcycle.verify.Verifier;
import dev.upcycle.verify.VerifyReport;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CalibrationTest {
  private static final List<String> TEXTS =
      List.of(
          "The Rays of Light are differently refrangible, and the Prism shews it by Experiments.",
          "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20");
  private static final Architecture MIXTRAL = Architecture.require("mixtral");

  @TempDir Path folder;

  private Path dense = Path.of("");
  private Path routers = Path.of("");
  private Path moe = Path.of("");

  @BeforeEach
  void writeSample() {
    LibTorch.useThreads(1);
    dense = folder.resolve("dense");
    routers = folder.resolve("router.safetensors");
    moe = folder.resolve("moe");
    SampleModel.writeTo(dense);
  }

  private List<Passage> passages() {
    Checkpoint checkpoint = Checkpoint.open(dense);
    try (Tokenizer tokenizer = Tokenizer.require(dense)) {
      return new PassageReader(tokenizer, checkpoint.config().requireLong("vocab_size"), 128)
          .read(
              TEXTS.stream()
                  .map(text -> new ExpertPrompts("text", List.of(text), List.of()))
                  .toList());
    }
  }

  private List<LayerRouter> calibrate(RouterKind kind, RowScale scale) throws InterruptedException {
    LayerWalk walk = LayerWalk.open(Checkpoint.open(dense), Device.CPU);
    return new Calibrator(walk, MIXTRAL, passages(), kind).routers(scale, (_, _) -> {});
  }

  private void writeRouters(RouterKind kind) throws InterruptedException {
    RouterWriter.to(routers, MIXTRAL, RouterWriter.Existing.REPLACE)
        .write(calibrate(kind, new RowScale.LogitStd(2)));
  }

  private static final RouterKind HIDDEN = new RouterKind.Hidden(State.ROUTER_INPUT, Tokens.ALL);

  private UpcyclePlan plan(String... settings) {
    List<String> all =
        new ArrayList<>(
            List.of(
                "language.experts.count=2",
                "language.experts.per_token=2",
                "language.router.init={kind: file, path: " + routers + "}"));
    all.addAll(List.of(settings));
    return Planner.plan(Checkpoint.open(dense), TestRecipes.fourByTwo(all.toArray(String[]::new)));
  }

  private void convert(UpcyclePlan plan, Mode mode, Progress progress) {
    PlanExecutor.run(
        plan, Checkpoint.open(dense), new PlanExecutor.Options(moe, mode, 1), progress);
  }

  private VerifyReport verify() {
    return Verifier.verify(
        Optional.of(dense), moe, Verifier.Expectation.CONVERTED, Progress.SILENT);
  }

  private void flipLastBit(Path file) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    bytes[bytes.length - 2] ^= 1;
    Files.write(file, bytes);
  }

  @Test
  void convertedModelVerifiesAndItsExpertsPreferTheirTexts() throws InterruptedException {
    writeRouters(HIDDEN);
    convert(plan(), Mode.FRESH, Progress.SILENT);

    assertThat(verify().failures()).isEmpty();
    FunctionReport function =
        FunctionVerifier.verify(
            Checkpoint.open(dense),
            Checkpoint.open(moe),
            new FunctionVerifier.Question(FunctionVerifier.Expectation.CONVERTED, List.of()),
            (_, _) -> {});
    assertThat(function.failures()).isEmpty();
    assertThat(function.whyNotJudged()).isEmpty();
    for (int expert = 0; expert < TEXTS.size(); expert++) {
      assertThat(preferring(expert)).as("tokens of text " + expert).isGreaterThan(0.75);
    }
  }

  /// Of a text's tokens in all layers, the part whose heaviest expert is that text's.
  private double preferring(int expert) throws InterruptedException {
    try (TextModel model = TextModel.open(moe, "cpu", "f32")) {
      LabelledText text = new LabelledText("text", model.tokenizer().tokens(TEXTS.get(expert)));
      List<RoutedLayer> layers =
          RoutingPreview.of("moe", model.model(), List.of(text)).texts().getFirst().layers();
      return layers.stream()
          .flatMap(layer -> layer.choices().stream().skip(1))
          .map(choices ->
              choices.stream().max(Comparator.comparingDouble(Choice::weight)).orElseThrow())
          .mapToDouble(best -> best.expert() == expert ? 1 : 0)
          .average()
          .orElseThrow();
    }
  }

  @Test
  void routersAreRoundedWhereTheResultHasAnotherType() throws InterruptedException, IOException {
    writeRouters(HIDDEN);
    convert(plan("output.dtype=bf16"), Mode.FRESH, Progress.SILENT);
    assertThat(verify().failures()).isEmpty();

    Checkpoint target = Checkpoint.open(moe);
    var router = target.require("model.layers.1.block_sparse_moe.gate.weight");
    assertThat(router.dtype()).isEqualTo(DType.BF16);
    try (FileChannel file = FileChannel.open(router.file(), StandardOpenOption.WRITE)) {
      file.write(ByteBuffer.wrap(new byte[] {0x11, 0x11}), router.offset() + 4);
    }

    assertThat(verify().failures())
        .singleElement()
        .satisfies(failure -> {
          assertThat(failure.tensor()).isEqualTo(router.name());
          assertThat(failure.message()).contains("first differing byte 4");
        });
  }

  @Test
  void changedFileOfRoutersIsNoticedByVerify() throws Exception {
    writeRouters(HIDDEN);
    convert(plan(), Mode.FRESH, Progress.SILENT);
    flipLastBit(routers);

    assertThat(verify().failures())
        .extracting(VerifyReport.Failure::message)
        .anySatisfy(text -> assertThat(text).contains("not the file that the routers were taken"))
        .anySatisfy(text -> assertThat(text).contains("first differing byte"));
  }

  @Test
  void missingFileOfRoutersFailsOnlyWhereTheSourceWasGiven() throws Exception {
    writeRouters(HIDDEN);
    convert(plan(), Mode.FRESH, Progress.SILENT);
    Files.delete(routers);

    assertThat(verify().failures())
        .singleElement()
        .satisfies(failure -> assertThat(failure.message()).contains("put it back"));
    VerifyReport alone =
        Verifier.verify(Optional.empty(), moe, Verifier.Expectation.CONVERTED, Progress.SILENT);
    assertThat(alone.failures()).isEmpty();
    assertThat(alone.remarks()).anyMatch(text -> text.contains("routers were not compared"));
  }

  @Test
  void changedFileOfRoutersIsNoticedByResume() throws Exception {
    writeRouters(HIDDEN);
    UpcyclePlan before = plan("output.max_shard_size=100KB");
    Thread caller = Thread.currentThread();
    assertThatThrownBy(() ->
            convert(
                before,
                Mode.FRESH,
                (done, total, what) -> {
                  if (done > total / 2) {
                    caller.interrupt();
                  }
                }))
        .isInstanceOf(CancellationException.class);
    assertThat(Thread.interrupted()).isTrue();
    flipLastBit(routers);
    UpcyclePlan after = plan("output.max_shard_size=100KB");

    assertThat(after.recipe()).isEqualTo(before.recipe());
    assertThat(after.sha256()).isNotEqualTo(before.sha256());
    assertThatThrownBy(() -> convert(after, Mode.RESUME, Progress.SILENT))
        .isInstanceOf(OutputException.class)
        .hasMessageContaining("plan");
  }

  @Test
  void routerOfAnotherShapeIsRefusedWithEveryReason() throws InterruptedException {
    writeRouters(HIDDEN);

    assertThatThrownBy(() -> plan("language.experts.count=4"))
        .isInstanceOf(PlanException.class)
        .hasMessageContaining(routers.toString())
        .hasMessageContaining("'model.layers.0.block_sparse_moe.gate.weight' is [2, 128]")
        .hasMessageContaining("'model.layers.3.block_sparse_moe.gate.weight'")
        .hasMessageContaining("expected [4, 128]")
        .hasMessageContaining("upcycle calibrate");
  }

  @Test
  void missingRouterLeftOverTensorAndMissingFileAreRefused() throws InterruptedException {
    List<LayerRouter> made = calibrate(HIDDEN, new RowScale.Norm(1));
    assertThatThrownBy(this::plan)
        .isInstanceOf(PlanException.class)
        .hasMessageContaining(routers.toString())
        .hasMessageContaining("no such file");

    RouterWriter.to(routers, MIXTRAL, RouterWriter.Existing.REFUSE).write(made.subList(1, 4));
    assertThatThrownBy(this::plan)
        .isInstanceOf(PlanException.class)
        .hasMessageContaining("no tensor 'model.layers.0.block_sparse_moe.gate.weight'");

    LayerReport last = made.getLast().report();
    LayerReport beyond =
        new LayerReport(
            9, 1, last.logitStd(), last.load(), last.own(), last.inertia(), last.iterations());
    List<LayerRouter> more = new ArrayList<>(made);
    more.add(new LayerRouter(made.getLast().rows(), beyond));
    RouterWriter.to(routers, MIXTRAL, RouterWriter.Existing.REPLACE).write(more);
    assertThatThrownBy(this::plan)
        .isInstanceOf(PlanException.class)
        .hasMessage(
            routers
                + ": holds 'model.layers.9.block_sparse_moe.gate.weight', which is no router of the"
                + " target; a file of routers holds nothing else");
  }

  @Test
  void mergekitsRowsOfTheFirstLayerAreNormalisedEmbeddingsOfLastTokens()
      throws InterruptedException {
    RouterRows rows =
        calibrate(new RouterKind.Hidden(State.LAYER_INPUT, Tokens.LAST), new RowScale.Norm(3))
            .getFirst()
            .rows();

    LayerWalk walk = LayerWalk.open(Checkpoint.open(dense), Device.CPU);
    List<Passage> passages = passages();
    for (int expert = 0; expert < passages.size(); expert++) {
      try (TensorScope _ = TensorScope.open()) {
        Tensor last = walk.embed(Tensors.of(passages.get(expert).ids().getLast()).unsqueeze(0));
        float[] embedding = last.reshape(-1).toFloats();
        double norm = Math.sqrt(last.square().sum().item());
        for (int i = 0; i < embedding.length; i++) {
          assertThat(rows.at(expert, i)).isCloseTo(3 * embedding[i] / norm, within(1e-6));
        }
      }
    }
  }

  @Test
  void centroidsRouteEachTokenToItsCluster() throws InterruptedException {
    List<LayerRouter> layers = calibrate(new RouterKind.Centroid(3, 5), new RowScale.LogitStd(0.5));

    long tokens = passages().stream().mapToLong(passage -> passage.ids().size() - 1).sum();
    assertThat(layers).hasSize(4);
    for (LayerRouter layer : layers) {
      assertThat(layer.report().logitStd()).isCloseTo(0.5, within(1e-9));
      assertThat(layer.report().load().assignments()).isEqualTo(tokens);
      assertThat(layer.report().load().dead()).isEmpty();
      assertThat(layer.report().inertia().orElseThrow()).isBetween(0.0, 1.0);
    }
  }

  @Test
  void layersThatAreWalkedTogetherGiveWhatEachTextGivesAlone() {
    LayerWalk walk = LayerWalk.open(Checkpoint.open(dense), Device.CPU);
    try (TensorScope _ = TensorScope.open()) {
      Tensor first = walk.embed(Tensors.of(1, 2, 3).unsqueeze(0));
      Tensor second = walk.embed(Tensors.of(4, 5).unsqueeze(0));

      var together = walk.layer(1, List.of(first, second));

      assertThat(together.getLast().hidden().toFloats())
          .containsExactly(walk.layer(1, second).hidden().toFloats());
      assertThat(together.getFirst().feedForwardInput().toFloats())
          .containsExactly(walk.layer(1, first).feedForwardInput().toFloats());
    }
  }
}
