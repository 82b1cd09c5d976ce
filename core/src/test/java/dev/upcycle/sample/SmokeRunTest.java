package dev.upcycle.sample;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.recipe.RecipeText;
import dev.upcycle.recipe.Recipes;
import dev.upcycle.sample.SmokeResult.Outcome;
import dev.upcycle.sample.SmokeResult.Stage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class SmokeRunTest {
  private static final Path HERE = Path.of("");

  static List<String> shipped() {
    return Recipes.shipped();
  }

  @ParameterizedTest
  @MethodSource("shipped")
  void everyShippedRecipePassesEveryStage(String recipe) {
    List<SmokeResult> heard = new ArrayList<>();

    List<SmokeResult> results = SmokeRun.run(List.of(Recipes.text(recipe, HERE)), heard::add);

    assertThat(results)
        .allSatisfy(
            result -> assertThat(result.outcome()).as(result.detail()).isEqualTo(Outcome.PASSED));
    assertThat(results).extracting(SmokeResult::stage).containsExactly(Stage.values());
    assertThat(heard).isEqualTo(results);
  }

  @Test
  void aRecipeThatCannotBeReadSkipsTheRestAndTheNextRuns() {
    RecipeText broken = new RecipeText("broken.yaml", "recipe: 1\nnonsense: 2\n");

    List<SmokeResult> results =
        SmokeRun.run(List.of(broken, Recipes.text("llama-4x2", HERE)), result -> {});

    assertThat(results.getFirst().outcome()).isEqualTo(Outcome.FAILED);
    assertThat(results.getFirst().detail()).contains("broken.yaml");
    assertThat(results.subList(1, Stage.values().length))
        .extracting(SmokeResult::outcome)
        .containsOnly(Outcome.SKIPPED);
    assertThat(results.getLast().outcome()).isEqualTo(Outcome.PASSED);
  }

  @Test
  void aCastingRecipePasses() {
    String yaml = Recipes.text("mistral-8x2", HERE).yaml().replace("dtype: source", "dtype: f32");

    List<SmokeResult> results =
        SmokeRun.run(List.of(new RecipeText("cast.yaml", yaml)), result -> {});

    assertThat(yaml).contains("dtype: f32");
    assertThat(results)
        .allSatisfy(
            result -> assertThat(result.outcome()).as(result.detail()).isEqualTo(Outcome.PASSED));
  }

  @Test
  void aRecipeWithRoutersOfAFilePassesWithoutThatFile() {
    String yaml =
        Recipes.text("mistral-8x2", HERE)
            .yaml()
            .replace("{kind: normal, std: 0.02}", "{kind: file, path: /no/such/file}");

    List<SmokeResult> results =
        SmokeRun.run(List.of(new RecipeText("file.yaml", yaml)), result -> {});

    assertThat(yaml).contains("kind: file");
    assertThat(results)
        .allSatisfy(
            result -> assertThat(result.outcome()).as(result.detail()).isEqualTo(Outcome.PASSED));
  }

  @Test
  void nothingStaysBehind() throws IOException {
    List<String> before = temporaries();

    SmokeRun.run(List.of(Recipes.text("llama-4x2", HERE)), result -> {});

    assertThat(temporaries()).isSubsetOf(before);
  }

  private static List<String> temporaries() throws IOException {
    try (Stream<Path> files = Files.list(Path.of(System.getProperty("java.io.tmpdir")))) {
      return files
          .map(path -> String.valueOf(path.getFileName()))
          .filter(name -> name.startsWith("upcycle-smoke"))
          .toList();
    }
  }
}
