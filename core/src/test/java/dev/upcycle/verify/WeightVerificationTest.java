package dev.upcycle.verify;

import static dev.upcycle.verify.HandMadeTarget.EXPERT;
import static dev.upcycle.verify.HandMadeTarget.LAYER;
import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.checkpoint.DType;
import dev.upcycle.convert.Progress;
import dev.upcycle.verify.VerifyReport.Failure;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WeightVerificationTest {
  @TempDir Path directory;

  @Test
  void anExactCopyPasses() throws IOException {
    VerifyReport report = new HandMadeTarget(directory).write().verify();

    assertThat(report.failures()).isEmpty();
    assertThat(report.passed()).isTrue();
  }

  @Test
  void everyCopiedByteIsCounted() throws IOException {
    HandMadeTarget model = new HandMadeTarget(directory).write();

    VerifyReport report = model.verify();

    long routers = 2L * HandMadeTarget.EXPERTS * 8 * 2;
    long compared =
        report.checks().stream()
            .filter(check -> List.of("pass-through", "expert copies").contains(check.name()))
            .mapToLong(VerifyReport.Check::bytes)
            .sum();
    assertThat(compared).isEqualTo(model.bytes() - routers);
  }

  @Test
  void progressEndsAtTheTotal() throws IOException {
    HandMadeTarget model = new HandMadeTarget(directory).write();
    List<long[]> heard = new ArrayList<>();
    Progress progress = (done, total, what) -> heard.add(new long[] {done, total});

    Verifier.verify(
        Optional.of(model.densePath), model.targetPath, Verifier.Expectation.CONVERTED, progress);

    assertThat(heard).isNotEmpty();
    assertThat(heard.getLast()[0]).isEqualTo(heard.getLast()[1]);
  }

  @Test
  void aFlippedByteOfAnExpertIsFoundByTensorAndOffset() throws IOException {
    HandMadeTarget model = new HandMadeTarget(directory);
    byte before = model.target(EXPERT + "w2.weight").bytes()[37];
    model.flip(EXPERT + "w2.weight", 37);

    Failure failure = onlyFailure(model.write().verify());

    assertThat(failure.check()).isEqualTo("expert copies");
    assertThat(failure.tensor()).isEqualTo(EXPERT + "w2.weight");
    assertThat(failure.message())
        .contains("differs from " + LAYER + "mlp.down_proj.weight")
        .contains("first differing byte 37 (element [1, 6];")
        .contains(
            "expected 0x%02x, actual 0x%02x".formatted(before & 0xff, (before ^ 0x10) & 0xff));
  }

  @Test
  void aFlippedByteOfAPassThroughIsFound() throws IOException {
    assertFlipIsFound(LAYER + "self_attn.k_proj.weight", 5);
  }

  @Test
  void aFlippedByteOfANormIsFound() throws IOException {
    assertFlipIsFound("model.norm.weight", 0);
  }

  @Test
  void theLastByteOfATensorCounts() throws IOException {
    assertFlipIsFound("lm_head.weight", 16 * 8 * 2 - 1);
  }

  private void assertFlipIsFound(String tensor, int offset) throws IOException {
    HandMadeTarget model = new HandMadeTarget(directory);
    model.flip(tensor, offset);

    Failure failure = onlyFailure(model.write().verify());

    assertThat(failure.check()).isEqualTo("pass-through");
    assertThat(failure.tensor()).isEqualTo(tensor);
    assertThat(failure.message()).contains("first differing byte " + offset + " ");
  }

  @Test
  void gateAndUpSwappedInOneExpertNamesBothAndWhereTheyCameFrom() throws IOException {
    HandMadeTarget model = new HandMadeTarget(directory);
    model.swap(EXPERT + "w1.weight", EXPERT + "w3.weight");

    VerifyReport report = model.write().verify();

    assertThat(report.failures())
        .extracting(Failure::tensor)
        .containsExactly(EXPERT + "w1.weight", EXPERT + "w3.weight");
    assertThat(report.failures().getFirst().message())
        .contains("are those of " + LAYER + "mlp.up_proj.weight");
  }

  @Test
  void gateAndUpSwappedEverywhereWithAManifestThatAgreesIsStillFound() throws IOException {
    HandMadeTarget model = new HandMadeTarget(directory);
    for (int layer = 0; layer < 2; layer++) {
      for (int expert = 0; expert < HandMadeTarget.EXPERTS; expert++) {
        String at = "model.layers.%d.".formatted(layer);
        String to = at + "block_sparse_moe.experts.%d.".formatted(expert);
        model.swap(to + "w1.weight", to + "w3.weight");
        model.claim(to + "w1.weight", at + "mlp.up_proj.weight");
        model.claim(to + "w3.weight", at + "mlp.gate_proj.weight");
      }
    }

    VerifyReport report = model.write().verify();

    int wrong = 2 * HandMadeTarget.EXPERTS * 2;
    assertThat(report.failures())
        .filteredOn(failure -> failure.check().equals("expert copies"))
        .hasSize(wrong);
    assertThat(report.failures())
        .filteredOn(failure -> failure.check().equals("origins"))
        .hasSize(wrong)
        .first()
        .extracting(Failure::message)
        .isEqualTo(
            "expert_gate should come from model.layers.0.mlp.gate_proj.weight, upcycle.json says "
                + "model.layers.0.mlp.up_proj.weight");
  }

  @Test
  void swappedLayersAreFound() throws IOException {
    HandMadeTarget model = new HandMadeTarget(directory);
    model.swap("model.layers.0.input_layernorm.weight", "model.layers.1.input_layernorm.weight");

    assertThat(model.write().verify().failures())
        .extracting(Failure::tensor)
        .containsExactly(
            "model.layers.0.input_layernorm.weight", "model.layers.1.input_layernorm.weight");
  }

  @Test
  void aCastRoundedToNearestEvenPasses() throws IOException {
    HandMadeTarget model = castModel();

    assertThat(model.write().verify().failures()).isEmpty();
  }

  @Test
  void aCastThatTruncatesIsFound() throws IOException {
    HandMadeTarget model = castModel();
    String name = EXPERT + "w1.weight";
    StoredTensor source = model.dense(LAYER + "mlp.gate_proj.weight").named(name);
    model.change(name, tensor -> source.truncated());

    Failure failure = onlyFailure(model.write().verify());

    assertThat(failure.tensor()).isEqualTo(name);
    assertThat(failure.message()).contains("rounded to nearest even from F32");
  }

  @Test
  void aCastNaNMayBeSpelledAnyWayButMustBeOne() throws IOException {
    HandMadeTarget model = castModel();
    model.dense("model.norm.weight").buffer().putFloat(4, Float.intBitsToFloat(0x7f80_0001));
    model.target("model.norm.weight").buffer().putShort(2, (short) 0xffff);
    model.dense("lm_head.weight").buffer().putFloat(4, Float.NaN);
    model.target("lm_head.weight").buffer().putShort(2, (short) 0x7f80);

    VerifyReport report = model.write().verify();

    assertThat(onlyFailure(report).tensor()).isEqualTo("lm_head.weight");
    assertThat(report.remarks()).anyMatch(remark -> remark.startsWith("model.norm.weight of"));
  }

  @Test
  void aTensorOfSeveralWindowsIsComparedToItsEnd() throws IOException {
    HandMadeTarget model = new HandMadeTarget(directory);
    int vocab = ByteComparison.WINDOW / 16 * 2 + 3;
    for (String name : List.of("model.embed_tokens.weight", "lm_head.weight")) {
      model.dense.put(name, StoredTensor.random(name, DType.BF16, vocab, 8));
      model.target.put(name, StoredTensor.random(name, DType.BF16, vocab, 8));
    }
    model.denseConfig.put("vocab_size", vocab);
    model.targetConfig.put("vocab_size", vocab);
    int last = vocab * 16 - 1;
    model.flip("lm_head.weight", last);

    Failure failure = onlyFailure(model.write().verify());

    assertThat(failure.message())
        .contains("first differing byte %d (element [%d, 7];".formatted(last, vocab - 1));
  }

  @Test
  void aSourceTensorThatNothingComesFromIsFound() throws IOException {
    HandMadeTarget model = new HandMadeTarget(directory);
    String name = LAYER + "self_attn.q_proj.bias";
    model.dense.put(name, StoredTensor.random(name, DType.BF16, 8));

    Failure failure = onlyFailure(model.write().verify());

    assertThat(failure.check()).isEqualTo("left out");
    assertThat(failure.tensor()).isEqualTo(name);
    assertThat(failure.message()).contains("a bias that is not zero");
  }

  @Test
  void aBiasOfZerosMayBeLeftOut() throws IOException {
    HandMadeTarget model = new HandMadeTarget(directory);
    String name = LAYER + "self_attn.q_proj.bias";
    model.dense.put(name, StoredTensor.random(name, DType.BF16, 8).with(new byte[16]));

    assertThat(model.write().verify().failures()).isEmpty();
  }

  @Test
  void aChangedTokenizerIsFound() throws IOException {
    HandMadeTarget model = new HandMadeTarget(directory).write();
    Files.writeString(model.targetPath.resolve("tokenizer.json"), "[]");

    Failure failure = onlyFailure(model.verify());

    assertThat(failure.tensor()).isEqualTo("tokenizer.json");
    assertThat(failure.message()).contains("first differing byte 0");
  }

  private HandMadeTarget castModel() {
    HandMadeTarget model = new HandMadeTarget(directory, DType.F32);
    model.set("output.dtype", "bf16");
    model.target.replaceAll((name, tensor) -> tensor.toBrainFloat());
    model.targetConfig.put("dtype", "bfloat16").put("torch_dtype", "bfloat16");
    return model;
  }

  private static Failure onlyFailure(VerifyReport report) {
    assertThat(report.failures()).hasSize(1);
    assertThat(report.passed()).isFalse();
    return report.failures().getFirst();
  }
}
