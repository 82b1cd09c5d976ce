package dev.upcycle.convert;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.checkpoint.write.CheckpointWriter;
import dev.upcycle.plan.Planner;
import dev.upcycle.recipe.RecipeText;
import dev.upcycle.recipe.Recipes;
import dev.upcycle.recipe.ResolvedRecipe;
import dev.upcycle.recipe.Setting;
import dev.upcycle.verify.Verifier;
import dev.upcycle.verify.VerifyReport;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// Recipes of compositions, and what becomes of models by them.
final class Conversions {
  static final String MIXTURE =
      "{experts: {count: 4, per_token: 2}, router: {init: {kind: torch_linear}}}\n";
  static final String VISION = "vision: " + MIXTURE;
  static final String CONNECTOR = "connector: " + MIXTURE;
  static final String LANGUAGE = "language: {experts: {count: 3, per_token: 1}}\n";

  private static final String SOURCE =
      "recipe: 1\nname: composed\nsource: {language: mistral, vision: clip, connector: mlp}\n";

  private Conversions() {}

  /// A recipe of these sections.
  static ResolvedRecipe recipe(String sections, String... sets) {
    return Recipes.resolve(
        new RecipeText("composed", SOURCE + sections),
        Arrays.stream(sets).map(Setting::parse).toList(),
        Map.of());
  }

  static Checkpoint convert(Path dense, ResolvedRecipe recipe, Path out) {
    Checkpoint source = Checkpoint.open(dense);
    PlanExecutor.run(
        Planner.plan(source, recipe),
        source,
        new PlanExecutor.Options(out, CheckpointWriter.Mode.FRESH, 2),
        Progress.SILENT);
    return Checkpoint.open(out);
  }

  static VerifyReport verify(Optional<Path> dense, Checkpoint target) {
    return Verifier.verify(
        dense, target.directory(), Verifier.Expectation.CONVERTED, Progress.SILENT);
  }

  static VerifyReport verifyOpened(Checkpoint dense, Checkpoint target) {
    return Verifier.verifyOpened(
        Optional.of(dense), target.directory(), Verifier.Expectation.CONVERTED, Progress.SILENT);
  }

  static byte[] bytes(Checkpoint checkpoint, String name) {
    try (Arena arena = Arena.ofConfined()) {
      return checkpoint.map(checkpoint.require(name), arena).toArray(ValueLayout.JAVA_BYTE);
    }
  }

  /// Sets a key of a model's config.
  static void edit(Path model, String key, JsonNode value) throws IOException {
    ObjectNode json = Checkpoint.open(model).config().json();
    json.set(key, value);
    Files.write(model.resolve("config.json"), ModelConfig.of(json).toJson());
  }
}
