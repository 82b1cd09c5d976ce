package dev.upcycle.image;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.fixtures.SavedInput;
import dev.upcycle.fixtures.SavedInput.Outcome;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// The saved inputs of [ImageFuzz].
class ImageFuzzTest {
  static List<SavedInput> inputs() {
    return SavedInput.of("image");
  }

  @ParameterizedTest
  @MethodSource("inputs")
  void savedInputIsReadOrRefusedAsItsNameSays(SavedInput input) {
    Outcome outcome = Outcome.of(ImageFuzz.check(input.bytes()));
    assertThat(input.allows(outcome)).as(outcome.name()).isTrue();
  }
}
