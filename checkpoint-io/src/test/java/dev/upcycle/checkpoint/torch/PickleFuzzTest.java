package dev.upcycle.checkpoint.torch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.fixtures.SavedInput;
import dev.upcycle.fixtures.SavedInput.Outcome;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// The saved inputs of [PickleFuzz].
class PickleFuzzTest {
  static List<SavedInput> inputs() {
    return SavedInput.of("pickle");
  }

  @ParameterizedTest
  @MethodSource("inputs")
  void savedInputIsReadOrRefusedAsItsNameSays(SavedInput input) {
    Outcome outcome = Outcome.of(PickleFuzz.check(input.bytes()));
    assertThat(input.allows(outcome)).as(outcome.name()).isTrue();
  }
}
