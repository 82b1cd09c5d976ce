package dev.upcycle.recipe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class HostileTextTest {
  private static final int ROUNDS = 1_500;

  private static final List<String> SNIPPETS =
      List.of(
          "null",
          "~",
          "[",
          "]",
          "{",
          "}",
          ":",
          ": ",
          "- ",
          "\n",
          "\n  ",
          "&a ",
          "*a",
          "!!int ",
          "'",
          "\"",
          "#",
          "|",
          ">",
          "? ",
          "0",
          "-1",
          "1e999",
          ".nan",
          "08",
          "9".repeat(40),
          "\u0000",
          "\uD800",
          "😀",
          "\t",
          "---\n",
          "...",
          "<<: ",
          "%YAML 9.9\n",
          "kind: ",
          "\\u12",
          "{}",
          "[]");

  /// A recipe with a few places cut, doubled or overwritten; the seed tells which.
  private static String mutated(String yaml, SplittableRandom random) {
    StringBuilder text = new StringBuilder(yaml);
    for (int edits = random.nextInt(1, 5); edits > 0; edits--) {
      int at = random.nextInt(text.length() + 1);
      int end = Math.min(text.length(), at + random.nextInt(12));
      String snippet = SNIPPETS.get(random.nextInt(SNIPPETS.size()));
      text.replace(at, random.nextBoolean() ? end : at, snippet);
    }
    return text.toString();
  }

  @ParameterizedTest
  @MethodSource("dev.upcycle.recipe.ShippedRecipesTest#shipped")
  void aDamagedRecipeIsReadOrRefusedWithAPlaceButNeverCrashes(String name) {
    String yaml = Recipes.text(name, Path.of("")).yaml().replaceAll(" *#.*", "");
    SplittableRandom random = new SplittableRandom(name.hashCode());
    int refused = 0;
    for (int round = 0; round < ROUNDS; round++) {
      String text = mutated(yaml, random);
      try {
        RecipeText damaged = new RecipeText("m", text, Optional.of(Path.of("").toAbsolutePath()));
        ResolvedRecipe read = Recipes.resolve(damaged, List.of(), Map.of());
        ResolvedRecipe again =
            Recipes.resolve(new RecipeText("m", read.yaml()), List.of(), Map.of());
        assertThat(again.recipe()).as(text).isEqualTo(read.recipe());
      } catch (RecipeException e) {
        refused++;
        assertThat(e.complaints()).as(text).isNotEmpty().allMatch(c -> c.line() > 0);
      }
    }
    assertThat(refused).isBetween(ROUNDS / 2, ROUNDS - 1);
  }

  @Test
  void aRecipeWhoseFlatFileWouldPassTheLimitIsRefused() {
    StringBuilder text = new StringBuilder("recipe: 1\noutput: {config: {k: 0");
    for (int i = 0; i < 60_000; i++) {
      text.append(",k").append(i).append(": ").append(i);
    }
    RecipeText recipe = new RecipeText("m", text.append("}}").toString());
    assertThat(recipe.yaml()).hasSizeLessThan(YamlReader.LONGEST_TEXT);
    assertThatThrownBy(() -> Recipes.resolve(recipe, List.of(), Map.of()))
        .isInstanceOf(RecipeException.class)
        .hasMessageMatching("m: with every value written out it has \\d+ characters; .*");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "null", "~", "[", "[[]]", "{}", "{a: b}", "5", "x", "'", "1.5", "[~]"})
  void everyKeyMeetsEveryKindOfValueWithoutACrash(String value) {
    RecipeText text = new RecipeText("m", "recipe: 1\nlanguage: {}");
    for (String path : Format.paths()) {
      try {
        Recipes.resolve(text, List.of(Setting.parse(path + "=" + value)), Map.of());
      } catch (RecipeException e) {
        assertThat(e.complaints()).allMatch(c -> c.source().startsWith("--set " + path));
      }
    }
  }
}
