package dev.upcycle.train;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.recipe.RecipeText;
import dev.upcycle.recipe.Recipes;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class RecipeDifferenceTest {
  private static final String RECIPE =
      """
      recipe: 1
      train:
        stages:
          - name: tune
            rates: {"*norm*": 1.0e-3, all: 1.0e-4}
            optimizer: {no_decay: ["*bias*", "*norm*"]}
            steps: 2
            data: {path: /data/rows.txt}
      """;

  private static String flat(String yaml) {
    return Recipes.resolve(new RecipeText("mine.yaml", yaml), List.of(), Map.of()).yaml();
  }

  private static List<String> between(String old, String changed) {
    return RecipeDifference.between(flat(RECIPE), flat(RECIPE.replace(old, changed)));
  }

  @Test
  void theSameRecipeDiffersInNothing() {
    assertThat(between("1.0e-4", "0.0001")).isEmpty();
  }

  @Test
  void aValueIsNamedWithItsStage() {
    assertThat(between("steps: 2", "steps: 3"))
        .containsExactly("recipe: train.stages.0.steps of stage tune was 2, is 3");
  }

  @Test
  void aKeyThatGoesAndOneThatComesAreNamed() {
    assertThat(between("steps: 2", "epochs: 2"))
        .anyMatch(change -> change.contains("train.stages.0.steps of stage tune was 2, is absent"))
        .anyMatch(change -> change.contains("train.stages.0.epochs of stage tune was "));
  }

  @Test
  void membersOfMapsAndListsAreSeen() {
    assertThat(between("all: 1.0e-4", "all: 1.0e-5"))
        .containsExactly("recipe: train.stages.0.rates.all of stage tune was 1.0E-4, is 1.0E-5");
    assertThat(between("\"*bias*\", ", ""))
        .singleElement()
        .asString()
        .contains("no_decay of stage tune");
  }

  @Test
  void aRecipeOfAnotherVersionIsToldAsSuch() {
    assertThat(RecipeDifference.between("recipe: 99\n", flat(RECIPE)))
        .singleElement()
        .asString()
        .startsWith("recipe: that of the run is none that this version reads: ");
  }
}
