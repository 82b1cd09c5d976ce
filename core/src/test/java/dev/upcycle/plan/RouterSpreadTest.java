package dev.upcycle.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.TestRecipes;
import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.DType;
import dev.upcycle.fixtures.dense.DenseFixture;
import dev.upcycle.recipe.RecipeException;
import dev.upcycle.recipe.RouterInit;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RouterSpreadTest {
  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({
    "F16, 6.2e-5",
    "F16, 7600",
    "BF16, 1.2e-38",
    "BF16, 3.9e37",
    "F32, 1.2e-38",
    "F32, 3.9e37",
    "F64, 1.2e-38",
    "F64, 3.9e37"
  })
  void aStdThatTheDtypeHoldsIsAccepted(DType dtype, double std) {
    assertThat(RouterSpread.objection(new RouterInit.Normal(std), dtype)).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "F16, 6.1e-5, vanish", "F16, 7700, infinite", "BF16, 1.1e-38, vanish", "BF16, 4e37, infinite",
    "F32, 1.1e-38, vanish", "F32, 4e37, infinite", "F64, 1e-300, vanish", "F64, 1e300, infinite"
  })
  void aStdThatTheDtypeDoesNotHoldIsRefused(DType dtype, double std, String reason) {
    assertThat(RouterSpread.objection(new RouterInit.Normal(std), dtype))
        .hasValueSatisfying(text -> assertThat(text).contains(reason, dtype.name()));
  }

  @ParameterizedTest
  @CsvSource({"F16, 65504, 65505", "BF16, 3.38e38, 3.4e38", "F32, 3.4e38, 3.5e38"})
  void aBoundMayReachTheLargestNumberAndNotPassIt(DType dtype, double held, double passed) {
    assertThat(RouterSpread.objection(new RouterInit.Uniform(held), dtype)).isEmpty();
    assertThat(RouterSpread.objection(new RouterInit.Uniform(passed), dtype)).isPresent();
  }

  @Test
  void theRoutersOwnDtypeDecidesBeforeAnythingIsWritten() {
    Checkpoint source = Checkpoint.open(DenseFixture.mistral().write(folder.resolve("dense")));
    String init = "language.router.init={kind: normal, std: 1e-8}";
    assertThat(Planner.plan(source, TestRecipes.fourByTwo(init)).steps()).isNotEmpty();
    assertThatThrownBy(() -> Planner.plan(source, TestRecipes.fourByTwo(init, "output.dtype=f16")))
        .isInstanceOf(RecipeException.class)
        .hasMessageContaining("language.router.init")
        .hasMessageContaining("F16");
  }
}
