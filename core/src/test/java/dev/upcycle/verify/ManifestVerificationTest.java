package dev.upcycle.verify;

import static dev.upcycle.verify.HandMadeTarget.EXPERT;
import static dev.upcycle.verify.HandMadeTarget.LAYER;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.groups.Tuple.tuple;

import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.DType;
import dev.upcycle.convert.Manifest;
import dev.upcycle.verify.VerifyReport.Failure;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ManifestVerificationTest {
  @TempDir Path directory;
  private HandMadeTarget model;

  @BeforeEach
  void make() {
    model = new HandMadeTarget(directory);
  }

  @Test
  void anOriginThatTheRolesContradictIsFoundWithoutTheSource() throws IOException {
    model.claim(EXPERT + "w1.weight", LAYER + "mlp.up_proj.weight");

    assertThat(model.write().verifyAlone().failures())
        .containsExactly(
            new Failure(
                "origins",
                EXPERT + "w1.weight",
                "expert_gate should come from %smlp.gate_proj.weight, upcycle.json says "
                        .formatted(LAYER)
                    + "%smlp.up_proj.weight".formatted(LAYER)));
  }

  @Test
  void aTensorThatTheManifestForgetsIsFound() throws IOException {
    model.origins.removeIf(origin -> origin.name().equals("model.norm.weight"));

    assertThat(model.write().verifyAlone().failures())
        .extracting(Failure::check, Failure::tensor)
        .containsExactly(tuple("origins", "model.norm.weight"));
  }

  @Test
  void aMissingFileIsFound() throws IOException {
    model.write();
    Files.delete(model.targetPath.resolve("tokenizer.json"));

    assertThat(model.verifyAlone().failures())
        .extracting(Failure::tensor)
        .containsExactly("tokenizer.json");
  }

  @ParameterizedTest
  @ValueSource(strings = {"../dense/config.json", "/etc/hostname", "..", "sub/file", ""})
  void aListedNameThatLeavesTheDirectoryIsFound(String name) throws IOException {
    model.moreFiles.add(name);

    assertThatNameIsRefused(name);
  }

  private void assertThatNameIsRefused(String name) throws IOException {
    try {
      assertThat(model.write().verifyAlone().failures())
          .extracting(Failure::check, Failure::tensor)
          .containsExactly(tuple("files", name));
    } catch (CheckpointFormatException refusedByTheReader) {
      assertThat(refusedByTheReader).hasMessageContaining(name);
    }
  }

  @Test
  void aStrangersWeightsFileIsFound() throws IOException {
    model.write();
    StoredTensor.write(model.targetPath.resolve("stale.safetensors"), model.target.values());

    assertThat(model.verifyAlone().failures())
        .extracting(Failure::tensor)
        .containsExactly("stale.safetensors");
  }

  @Test
  void aStrangersNoteIsARemark() throws IOException {
    model.write();
    Files.writeString(model.targetPath.resolve("notes.txt"), "mine");

    VerifyReport report = model.verifyAlone();

    assertThat(report.passed()).isTrue();
    assertThat(report.remarks()).anyMatch(remark -> remark.startsWith("notes.txt"));
  }

  @Test
  void aChangedRecipeIsFound() throws IOException {
    model.write();
    Files.writeString(
        model.targetPath.resolve("recipe.yaml"), "# mine\n", StandardOpenOption.APPEND);

    assertThat(model.verifyAlone().failures())
        .singleElement()
        .extracting(Failure::message)
        .asString()
        .contains("not the recipe of the conversion");
  }

  @Test
  void aRecipeThatIsNoneIsFound() throws IOException {
    model.write();
    Files.writeString(model.targetPath.resolve("recipe.yaml"), "][");

    assertThat(model.verifyAlone().failures()).extracting(Failure::check).contains("recipe");
  }

  @Test
  void anotherSourceThanTheOneThatWentInIsFound() throws IOException {
    model.write();
    String extra = LAYER + "self_attn.q_proj.bias";
    model.dense.put(extra, StoredTensor.random(extra, DType.BF16, 8).with(new byte[16]));
    model.writeDense();

    assertThat(model.verify().failures())
        .extracting(Failure::check, Failure::tensor)
        .containsExactly(tuple("source files", "model.safetensors"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "[]", "{", "{\"schema\": \"other\"}", "null"})
  void aManifestThatIsNoneFails(String text) throws IOException {
    model.write();
    Files.writeString(model.targetPath.resolve(Manifest.FILE_NAME), text);

    assertThat(model.verifyAlone().failures())
        .singleElement()
        .satisfies(failure -> assertThat(failure.message()).contains(Manifest.FILE_NAME));
  }

  @Test
  void aMissingManifestIsRefused() throws IOException {
    model.write();
    Files.delete(model.targetPath.resolve(Manifest.FILE_NAME));

    assertThatThrownBy(model::verifyAlone)
        .isInstanceOf(CheckpointFormatException.class)
        .hasMessageContaining(Manifest.FILE_NAME);
  }

  @Test
  void theReportIsAJsonDocumentWithEveryFailure() throws IOException {
    model.origins.clear();

    VerifyReport report = model.write().verifyAlone();

    assertThat(report.toJson().path("schema").asString()).isEqualTo("upcycle/verify/1");
    assertThat(report.toJson().path("passed").asBoolean()).isFalse();
    assertThat(report.toJson().path("failures")).hasSize(model.target.size());
    assertThat(List.copyOf(report.toJson().propertyNames()))
        .containsExactly("schema", "passed", "checks", "failures", "remarks");
  }
}
