package dev.upcycle.verify;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.checkpoint.DType;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RouterVerificationTest {
  private static final String ROUTER = "model.layers.0.block_sparse_moe.gate.weight";
  private static final String OTHER = "model.layers.1.block_sparse_moe.gate.weight";

  @TempDir Path directory;

  @Test
  void zeroRoutersPassWithARemark() throws IOException {
    VerifyReport report = new HandMadeTarget(directory).write().verifyAlone();

    assertThat(report.passed()).isTrue();
    assertThat(report.remarks()).anyMatch(remark -> remark.startsWith("routers are all zero"));
  }

  @Test
  void aRouterThatShouldBeZeroAndIsNotIsFound() throws IOException {
    HandMadeTarget model = new HandMadeTarget(directory);
    model.flip(ROUTER, 1);

    assertOnlyRouterFails(model, "expected all zero");
  }

  @Test
  void aRouterWithANaNIsFound() throws IOException {
    HandMadeTarget model = new HandMadeTarget(directory);
    model.target(ROUTER).buffer().putShort(6, (short) 0x7fc0);

    assertOnlyRouterFails(model, "1 of 24 values are NaN or infinite");
  }

  @Test
  void aNormalDrawPasses() throws IOException {
    HandMadeTarget model = drawn("{kind: normal, std: 0.5}");

    assertThat(model.write().verify().failures()).isEmpty();
  }

  @Test
  void aDrawOfAnotherScaleIsFound() throws IOException {
    HandMadeTarget model = drawn("{kind: normal, std: 0.5}");
    model.target.put(ROUTER, StoredTensor.normal(ROUTER, 50, HandMadeTarget.EXPERTS, 8));

    assertOnlyRouterFails(model, "does not look drawn as recipe.yaml says (normal, std 0.500");
  }

  @Test
  void aValueOutsideAUniformBoundIsFound() throws IOException {
    HandMadeTarget model = drawn("{kind: uniform, bound: 20}");

    model.target(ROUTER).buffer().putFloat(0, 20.5F);
    model.target(OTHER).buffer().putFloat(0, 2F);

    assertThat(model.write().verify().failures())
        .filteredOn(failure -> failure.tensor().equals(ROUTER))
        .singleElement()
        .extracting(VerifyReport.Failure::message)
        .asString()
        .contains("magnitude at most 20.0");
  }

  @Test
  void anyFiniteRouterIsATrainedOne() throws IOException {
    HandMadeTarget model = new HandMadeTarget(directory);
    model.flip(ROUTER, 1);

    assertThat(model.write().verify(Verifier.Expectation.TRAINED).failures()).isEmpty();
  }

  private HandMadeTarget drawn(String init) {
    HandMadeTarget model = new HandMadeTarget(directory, DType.F32);
    model.set("language.router.init", init);
    model.target.put(ROUTER, StoredTensor.normal(ROUTER, 0.5, HandMadeTarget.EXPERTS, 8));
    model.target.put(OTHER, StoredTensor.normal(OTHER, 0.5, HandMadeTarget.EXPERTS, 8));
    return model;
  }

  private static void assertOnlyRouterFails(HandMadeTarget model, String message)
      throws IOException {
    assertThat(model.write().verify().failures())
        .singleElement()
        .satisfies(failure -> {
          assertThat(failure.check()).isEqualTo("routers");
          assertThat(failure.tensor()).isEqualTo(ROUTER);
          assertThat(failure.message()).contains(message);
        });
  }
}
