package dev.upcycle.recipe;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/// Fuzz target: whatever a recipe and the settings given with it say, all is refused with
/// complaints, or resolves to a flat file that says the same again.
public final class RecipeFuzz {
  private static final String BASE = "recipe: 1\nlanguage: {experts: {count: 4}}\n";

  private RecipeFuzz() {}

  /// What the fuzzer calls.
  public static void fuzzerTestOneInput(byte[] input) {
    check(input, Path.of(Objects.requireNonNull(System.getProperty("upcycle.fuzz.folder"))));
  }

  /// What refused the recipe; empty when it was read.
  ///
  /// @param input a recipe; behind a zero byte what stands behind `--set`, a line each
  static Optional<RecipeException> check(byte[] input, Path folder) {
    int end = 0;
    while (end < input.length && input[end] != 0) {
      end++;
    }
    String sets = new String(input, end, input.length - end, StandardCharsets.UTF_8);
    ResolvedRecipe resolved;
    try {
      Files.write(folder.resolve("fuzzed.yaml"), Arrays.copyOf(input, end));
      Files.writeString(folder.resolve("base.yaml"), BASE);
      RecipeText text = Recipes.text("fuzzed.yaml", folder);
      List<Setting> settings =
          sets.lines()
              .map(line -> line.replace("\0", ""))
              .filter(line -> !line.isEmpty())
              .map(Setting::parse)
              .toList();
      resolved = Recipes.resolve(text, settings, Map.of());
    } catch (RecipeException e) {
      assertThat(e.complaints()).isNotEmpty().noneMatch(complaint -> complaint.message().isBlank());
      return Optional.of(e);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    ResolvedRecipe again = read(resolved.yaml());
    assertThat(again.recipe()).isEqualTo(resolved.recipe());
    assertThat(again.yaml()).isEqualTo(resolved.yaml());
    assertThat(again.origins().sequencedKeySet()).isEqualTo(resolved.origins().sequencedKeySet());
    assertThat(read(resolved.yamlWithOrigins()).recipe()).isEqualTo(resolved.recipe());
    return Optional.empty();
  }

  private static ResolvedRecipe read(String yaml) {
    return Recipes.resolve(new RecipeText("again", yaml), List.of(), Map.of());
  }
}
