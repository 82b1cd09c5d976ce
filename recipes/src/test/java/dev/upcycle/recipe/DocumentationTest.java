package dev.upcycle.recipe;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DocumentationTest {
  private static final Pattern BLOCK = Pattern.compile("(?s)```yaml\n# (\\S+)\n(.*?)```");
  private static final Pattern SET = Pattern.compile("--set ('([^']*)'|(\\S+))");

  private static String page = "";

  @TempDir Path folder;

  @BeforeAll
  static void read() throws IOException {
    page = Files.readString(Path.of("..", "docs", "recipes.md"));
  }

  /// The cells of each row of the table of keys, by key path.
  private static SequencedMap<String, List<String>> rows() {
    SequencedMap<String, List<String>> rows = new LinkedHashMap<>();
    String keys = page.substring(page.indexOf("## Keys"), page.indexOf("## Who wins"));
    keys.lines()
        .filter(line -> line.startsWith("| `"))
        .map(line -> List.of(line.split(" *\\| *", -1)))
        .forEach(cells -> rows.put(cells.get(1).replace("`", ""), cells));
    return rows;
  }

  @Test
  void theTableListsEveryKeyInTheOrderOfTheFile() {
    assertThat(rows().sequencedKeySet()).containsExactlyElementsOf(Format.paths());
  }

  @Test
  void theTableStatesTheReadersDefaults() {
    Map<String, String> stated = new LinkedHashMap<>();
    rows().forEach((path, cells) -> stated.put(path, cells.get(3)));
    Map<String, String> defaults = new LinkedHashMap<>();
    Format.keys().forEach((path, key) -> defaults.put(path, fallback(key)));
    assertThat(stated).isEqualTo(defaults);
  }

  private static String fallback(Key key) {
    Optional<String> value = key.fallback().map(v -> "`" + v + "`");
    return value.orElseGet(() ->
        switch (key.absence()) {
          case FILLED -> "*below*";
          case LEFT_OUT -> "*none*";
          case REFUSED -> "*required*";
        });
  }

  @Test
  void theTableNamesEveryAllowedWord() {
    Format.keys()
        .forEach((path, key) -> {
          String cell = String.valueOf(rows().getOrDefault(path, List.of()));
          List<String> words =
              switch (key.shape()) {
                case Leaf.Word word -> word.allowed();
                case Leaf.Words list -> list.allowed();
                case Shape _ -> List.of();
              };
          assertThat(words).as(path).allMatch(word -> cell.contains("`" + word + "`"));
        });
  }

  @Test
  void everyRecipeOfThePageIsRead() throws IOException {
    List<String> names = new ArrayList<>();
    for (MatchResult block : BLOCK.matcher(page).results().toList()) {
      Files.writeString(folder.resolve(block.group(1)), block.group(2));
      names.add(block.group(1));
    }
    assertThat(names).hasSize((int) page.lines().filter(l -> l.equals("```yaml")).count());
    for (String name : names) {
      Recipe recipe = Recipes.resolve(Recipes.text(name, folder), List.of(), Map.of()).recipe();
      assertThat(recipe.name() + ".yaml").as("a file is named as its recipe").isEqualTo(name);
    }
  }

  @Test
  void everySetOfThePageIsTaken() {
    List<MatchResult> sets = SET.matcher(page.substring(page.indexOf("```sh"))).results().toList();
    assertThat(sets).hasSizeGreaterThanOrEqualTo(7);
    for (MatchResult set : sets) {
      String assignment = Optional.ofNullable(set.group(2)).orElse(set.group(3));
      RecipeText text = Recipes.text("mistral-8x2", folder);
      ResolvedRecipe resolved = Recipes.resolve(text, List.of(Setting.parse(assignment)), Map.of());
      assertThat(resolved.origins().values()).anyMatch(o -> o.kind() == Origin.Kind.SET);
    }
  }

  @Test
  void theTableOfVariablesIsComplete() {
    Map<String, String> documented = new LinkedHashMap<>();
    page.lines()
        .filter(line -> line.startsWith("| `UPCYCLE_"))
        .map(line -> line.replace("`", "").split(" *\\| *", -1))
        .forEach(cells -> documented.put(cells[1], cells[2]));
    assertThat(documented).isEqualTo(Resolver.Environment.PATHS);
  }

  @Test
  void theLimitsOfThePageAreTheReaders() {
    assertThat(page)
        .contains("%,d characters".formatted(YamlReader.LONGEST_TEXT))
        .contains(YamlReader.DEEPEST + " maps and lists deep")
        .contains("1 to " + Format.MOST_EXPERTS);
  }

  @Test
  void theShippedNamesAreListed() {
    assertThat(Recipes.shipped()).allMatch(name -> page.contains("`" + name + "`"));
  }
}
