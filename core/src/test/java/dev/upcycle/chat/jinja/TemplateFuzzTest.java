package dev.upcycle.chat.jinja;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.fixtures.SavedInput;
import dev.upcycle.fixtures.SavedInput.Outcome;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// The saved inputs of [TemplateFuzz].
class TemplateFuzzTest {
  static List<SavedInput> inputs() {
    return SavedInput.of("template");
  }

  @ParameterizedTest
  @MethodSource("inputs")
  void savedInputIsReadOrRefusedAsItsNameSays(SavedInput input) {
    Outcome outcome = Outcome.of(TemplateFuzz.check(input.bytes()));
    assertThat(input.allows(outcome)).as(outcome.name()).isTrue();
  }
}
