package dev.upcycle.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class WindowTest {
  @Test
  void windowsAreThoseOfTheStridedRecipe() {
    assertThat(Window.over(10, new Strides(4, 2)))
        .containsExactly(
            new Window(0, 0, 4), new Window(2, 4, 6), new Window(4, 6, 8), new Window(6, 8, 10));
  }

  @Test
  void referenceTextHasAsManyWindowsAndScoredTokensAsInTransformers() {
    List<Window> windows = Window.over(5066, new Strides(512, 256));

    assertThat(windows).hasSize(19);
    assertThat(windows.stream().mapToInt(Window::scored).sum()).isEqualTo(5065);
  }

  @Test
  void everyTokenButTheFirstIsScoredOnceWhenTheStrideIsBelowTheContext() {
    SplittableRandom random = new SplittableRandom(1);
    for (int round = 0; round < 500; round++) {
      int context = random.nextInt(2, 20);
      int tokens = random.nextInt(2, 100);
      Strides strides = new Strides(context, random.nextInt(1, context));
      List<Integer> scored = new ArrayList<>();
      Window.over(tokens, strides)
          .forEach(
              window -> IntStream.range(window.firstScored(), window.end()).forEach(scored::add));

      assertThat(scored)
          .describedAs("%d tokens, %s", tokens, strides)
          .isEqualTo(IntStream.range(1, tokens).boxed().toList());
    }
  }

  @Test
  void noWindowIsWiderThanTheContext() {
    assertThat(Window.over(1000, new Strides(7, 3))).allMatch(window -> window.tokens() <= 7);
  }

  @Test
  void strideEqualToTheContextLeavesTheFirstTokenOfEachWindowUnscored() {
    assertThat(Window.over(8, new Strides(4, 4)).stream().map(Window::scored))
        .containsExactly(3, 3);
  }

  @Test
  void strideThatWouldPassTokensOverIsRefused() {
    assertThatThrownBy(() -> new Strides(4, 5)).hasMessageContaining("[1, context]");
  }
}
