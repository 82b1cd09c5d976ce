package dev.upcycle.recipe;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.fixtures.SavedInput;
import dev.upcycle.fixtures.SavedInput.Outcome;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// The saved inputs of [RecipeFuzz].
class RecipeFuzzTest {
  @TempDir Path folder;

  static List<SavedInput> inputs() {
    return SavedInput.of("recipe");
  }

  @ParameterizedTest
  @MethodSource("inputs")
  void savedInputIsReadOrRefusedAsItsNameSays(SavedInput input) {
    Outcome outcome = Outcome.of(RecipeFuzz.check(input.bytes(), folder));
    assertThat(input.allows(outcome)).as(outcome.name()).isTrue();
  }
}
