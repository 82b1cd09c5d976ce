package dev.upcycle.verify;

import static dev.upcycle.verify.HandMadeTarget.EXPERT;
import static dev.upcycle.verify.HandMadeTarget.LAYER;
import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.checkpoint.DType;
import dev.upcycle.verify.VerifyReport.Failure;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.assertj.core.groups.Tuple;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StructureVerificationTest {
  @TempDir Path directory;
  private HandMadeTarget model;

  @BeforeEach
  void make() {
    model = new HandMadeTarget(directory);
  }

  @Test
  void aSoundTargetPassesWithoutItsSource() throws IOException {
    VerifyReport report = model.write().verifyAlone();

    assertThat(report.failures()).isEmpty();
    assertThat(report.checks())
        .filteredOn(check -> check.name().equals("tensor names"))
        .extracting(VerifyReport.Check::covered)
        .containsExactly((long) model.target.size());
  }

  @Test
  void aShardedTargetPasses() throws IOException {
    model.writeSharded(model.bytes());

    assertThat(model.verify().failures()).isEmpty();
  }

  @Test
  void aMissingTensorIsNamed() throws IOException {
    model.target.remove(EXPERT + "w3.weight");

    assertThat(named(model.write().verify()))
        .containsExactly(Tuple.tuple("tensor names", EXPERT + "w3.weight"));
  }

  @Test
  void aLeftOverTensorIsNamed() throws IOException {
    String extra = LAYER + "block_sparse_moe.experts.3.w1.weight";
    model.target.put(extra, StoredTensor.random(extra, DType.BF16, 12, 8));

    assertThat(named(model.write().verify())).containsExactly(Tuple.tuple("tensor names", extra));
  }

  @Test
  void aWrongShapeIsNamedWithBoth() throws IOException {
    String name = EXPERT + "w1.weight";
    model.target.put(name, StoredTensor.random(name, DType.BF16, 8, 12));

    VerifyReport report = model.write().verifyAlone();

    assertThat(named(report)).containsExactly(Tuple.tuple("shapes", name));
    assertThat(report.failures().getFirst().message()).contains("[12, 8]").contains("[8, 12]");
  }

  @Test
  void aDtypeThatNobodyAskedForIsNamed() throws IOException {
    String name = "model.norm.weight";
    model.target.put(name, StoredTensor.random(name, DType.F32, 8));

    assertThat(named(model.write().verify())).contains(Tuple.tuple("dtypes", name));
  }

  @Test
  void aHeaderWithMoreMetadataIsNotCanonical() throws IOException {
    model.write();
    StoredTensor.write(
        model.targetPath.resolve("model.safetensors"),
        model.target.values(),
        "{\"format\":\"pt\",\"by\":\"me\"}");

    assertThat(named(model.verifyAlone()))
        .containsExactly(Tuple.tuple("headers", "model.safetensors"));
  }

  @Test
  void anIndexWithAWrongTotalIsFound() throws IOException {
    model.writeSharded(model.bytes() + 1);

    assertThat(named(model.verifyAlone()))
        .containsExactly(Tuple.tuple("index", "model.safetensors.index.json"));
  }

  @Test
  void anIndexThatNamesTheWrongFileFailsNamingTheTensor() throws IOException {
    Map<String, String> map = model.writeSharded(model.bytes());
    map.put("lm_head.weight", "model-00001-of-00002.safetensors");
    model.writeIndex(map, model.bytes());

    assertUnreadable(model.verifyAlone(), "lm_head.weight");
  }

  @Test
  void aTruncatedShardFailsByName() throws IOException {
    model.write();
    Path file = model.targetPath.resolve("model.safetensors");
    byte[] bytes = Files.readAllBytes(file);
    Files.write(file, Arrays.copyOf(bytes, bytes.length - 7));

    assertUnreadable(model.verifyAlone(), "model.safetensors");
  }

  @Test
  void aMissingConfigFails() throws IOException {
    model.write();
    Files.delete(model.targetPath.resolve("config.json"));

    assertUnreadable(model.verifyAlone(), "config.json");
  }

  @Test
  void anUnknownModelTypeFails() throws IOException {
    model.targetConfig.put("model_type", "nonesuch");
    model.write();

    assertUnreadable(model.verifyAlone(), "nonesuch");
  }

  @Test
  void aDenseTargetIsAFailure() throws IOException {
    model.targetConfig.put("model_type", "mistral");

    VerifyReport report = model.write().verifyAlone();

    assertThat(report.failures()).hasSize(1);
    assertThat(report.failures().getFirst().message()).contains("mistral has no experts");
  }

  @Test
  void aConfigThatCallsForFarTooMuchIsAFailureAtOnce() throws IOException {
    model.targetConfig.put("num_hidden_layers", 300).put("num_local_experts", 300);

    VerifyReport report = model.write().verifyAlone();

    assertThat(report.failures()).hasSize(1);
    assertThat(report.failures().getFirst().message()).contains("300 layers of 300 experts");
  }

  private static List<Tuple> named(VerifyReport report) {
    return report.failures().stream()
        .map((Failure failure) -> Tuple.tuple(failure.check(), failure.tensor()))
        .toList();
  }

  private static void assertUnreadable(VerifyReport report, String named) {
    assertThat(report.passed()).isFalse();
    assertThat(report.failures()).extracting(Failure::check).containsExactly("files");
    assertThat(report.failures().getFirst().message()).contains(named);
  }
}
