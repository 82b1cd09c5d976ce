package dev.upcycle.verify;

import static dev.upcycle.verify.HandMadeTarget.EXPERT;
import static dev.upcycle.verify.Verifier.Expectation.TRAINED;
import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.convert.Manifest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainedVerificationTest {
  @TempDir Path directory;
  private HandMadeTarget model;

  @BeforeEach
  void make() {
    model = new HandMadeTarget(directory);
  }

  @Test
  void aChangedExpertPassesAndIsCounted() throws IOException {
    model.flip(EXPERT + "w2.weight", 4);

    VerifyReport report = model.write().verify(TRAINED);

    assertThat(report.failures()).isEmpty();
    assertThat(report.remarks())
        .contains("changed 1 of 33 tensors that come from the source: expert_down 1 of 6");
  }

  @Test
  void anUntouchedModelIsSaidToBeOne() throws IOException {
    VerifyReport report = model.write().verify(TRAINED);

    assertThat(report.remarks())
        .contains(
            "all 33 tensors that come from the source are identical to it: nothing was trained");
  }

  @Test
  void aFrozenTensorThatChangedIsFound() throws IOException {
    model.flip("model.norm.weight", 4);
    model.flip(EXPERT + "w1.weight", 4);
    model.write().freeze("model.norm.weight", "lm_head.weight");

    assertThat(model.verify(TRAINED).failures())
        .singleElement()
        .satisfies(failure -> {
          assertThat(failure.check()).isEqualTo("frozen tensors");
          assertThat(failure.tensor()).isEqualTo("model.norm.weight");
          assertThat(failure.message()).contains("first differing byte 4 ");
        });
  }

  @Test
  void aFrozenTensorThatIsNotThereIsFound() throws IOException {
    model.write().freeze("nonesuch");

    assertThat(model.verify(TRAINED).failures())
        .singleElement()
        .extracting(VerifyReport.Failure::tensor)
        .isEqualTo("nonesuch");
  }

  @Test
  void anInfiniteWeightIsFound() throws IOException {
    model.target(EXPERT + "w3.weight").buffer().putShort(10, (short) 0xff80);

    assertThat(model.write().verify(TRAINED).failures())
        .singleElement()
        .satisfies(failure -> {
          assertThat(failure.check()).isEqualTo("finite values");
          assertThat(failure.tensor()).isEqualTo(EXPERT + "w3.weight");
        });
  }

  @Test
  void aFrozenListThatIsNoneFails() throws IOException {
    model.write();
    Path file = model.targetPath.resolve(Manifest.FILE_NAME);
    String text = Files.readString(file);
    Files.writeString(file, text.replaceFirst("\\{", "{\"frozen\": 3,"));

    assertThat(model.verify(TRAINED).failures())
        .singleElement()
        .satisfies(failure -> assertThat(failure.message()).contains("frozen"));
  }
}
