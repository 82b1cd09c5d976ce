package dev.upcycle.recipe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class LayerSelectionTest {
  static Stream<Arguments> choices() {
    return Stream.of(
        Arguments.of(new LayerSelection.All(), List.of(0, 1, 2, 3, 4, 5)),
        Arguments.of(new LayerSelection.Every(2, 1), List.of(1, 3, 5)),
        Arguments.of(new LayerSelection.Every(2, 0), List.of(0, 2, 4)),
        Arguments.of(new LayerSelection.Every(Integer.MAX_VALUE, 5), List.of(5)),
        Arguments.of(new LayerSelection.ExceptLast(2), List.of(0, 1, 2, 3)),
        Arguments.of(new LayerSelection.Last(2), List.of(4, 5)),
        Arguments.of(new LayerSelection.Last(6), List.of(0, 1, 2, 3, 4, 5)),
        Arguments.of(new LayerSelection.Last(7), List.of(0, 1, 2, 3, 4, 5)),
        Arguments.of(new LayerSelection.Range(2, 4), List.of(2, 3)),
        Arguments.of(new LayerSelection.Listed(List.of(4, 0)), List.of(0, 4)));
  }

  @ParameterizedTest
  @MethodSource("choices")
  void aSelectionNamesLayersInAscendingOrder(LayerSelection selection, List<Integer> expected) {
    assertThat(selection.of(6)).isEqualTo(expected);
  }

  static Stream<Arguments> misses() {
    return Stream.of(
        Arguments.of(new LayerSelection.Every(2, 6), "offset 6 is beyond the last layer"),
        Arguments.of(new LayerSelection.Range(2, 7), "expected an end of at most 6"),
        Arguments.of(new LayerSelection.ExceptLast(6), "all but the last 6 layers were asked for"),
        Arguments.of(new LayerSelection.Listed(List.of(1, 9, 6)), "layers [6, 9] are not there"));
  }

  @ParameterizedTest
  @MethodSource("misses")
  void aLayerThatIsNotThereIsAComplaint(LayerSelection selection, String message) {
    assertThatThrownBy(() -> selection.of(6))
        .isInstanceOf(RecipeException.class)
        .hasMessageStartingWith("recipe: layers: ")
        .hasMessageContaining(message);
  }

  @Test
  void aModelWithoutLayersIsAComplaint() {
    assertThatThrownBy(() -> new LayerSelection.All().of(0)).isInstanceOf(RecipeException.class);
  }

  @Test
  void meaninglessSelectionsCannotBeMade() {
    assertThatThrownBy(() -> new LayerSelection.Every(0, 0)).hasMessage("every 0 from 0");
    assertThatThrownBy(() -> new LayerSelection.Last(0)).hasMessage("last 0");
    assertThatThrownBy(() -> new LayerSelection.Range(2, 2)).hasMessage("range [2, 2]");
    assertThatThrownBy(() -> new LayerSelection.Listed(List.of(1, 1))).hasMessage("layers [1, 1]");
  }
}
