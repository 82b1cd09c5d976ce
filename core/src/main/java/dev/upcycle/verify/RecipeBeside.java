package dev.upcycle.verify;

import dev.upcycle.checkpoint.Sha256;
import dev.upcycle.convert.Manifest;
import dev.upcycle.recipe.Recipe;
import dev.upcycle.recipe.RecipeException;
import dev.upcycle.recipe.RecipeText;
import dev.upcycle.recipe.Recipes;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/// The resolved recipe that lies beside a target.
final class RecipeBeside {
  static final String FILE_NAME = "recipe.yaml";
  private static final int MOST_BYTES = 1 << 20;

  private RecipeBeside() {}

  /// Reads it and holds it against the manifest; empty, with a failure, when it cannot be read.
  static Optional<Recipe> read(Path directory, Manifest manifest, Findings findings) {
    findings.covered(CheckKind.RECIPE);
    byte[] bytes;
    try (InputStream in = Files.newInputStream(directory.resolve(FILE_NAME))) {
      bytes = in.readNBytes(MOST_BYTES);
    } catch (IOException e) {
      findings.failed(CheckKind.RECIPE, FILE_NAME, "unreadable or missing: " + e);
      return Optional.empty();
    }
    String sha256 = Sha256.hex(bytes);
    if (!sha256.equals(manifest.recipeSha256())) {
      findings.failed(
          CheckKind.RECIPE,
          FILE_NAME,
          String.format(
              Locale.ROOT,
              "not the recipe of the conversion: %s says sha256 %s, the file has %s",
              Manifest.FILE_NAME,
              manifest.recipeSha256(),
              sha256));
    }
    try {
      RecipeText text = new RecipeText(FILE_NAME, new String(bytes, StandardCharsets.UTF_8));
      Recipe recipe = Recipes.resolve(text, List.of(), Map.of()).recipe();
      same("name", recipe.name(), manifest.recipeName(), findings);
      same("seed", recipe.seed(), manifest.seed(), findings);
      return Optional.of(recipe);
    } catch (RecipeException e) {
      findings.failed(CheckKind.RECIPE, FILE_NAME, String.valueOf(e.getMessage()));
      return Optional.empty();
    }
  }

  private static void same(String key, Object recipe, Object manifest, Findings findings) {
    findings.covered(CheckKind.RECIPE);
    if (!recipe.equals(manifest)) {
      findings.failed(
          CheckKind.RECIPE,
          FILE_NAME,
          String.format(
              Locale.ROOT, "%s is %s, %s says %s", key, recipe, Manifest.FILE_NAME, manifest));
    }
  }
}
