package dev.upcycle.recipe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RouterFileTest {
  private static final String INIT =
      "recipe: 1\nlanguage: {router: {init: {kind: file, path: router.safetensors}}}\n";

  @TempDir Path folder;

  private ResolvedRecipe resolve(String name, Setting... settings) {
    return Recipes.resolve(Recipes.text(name, folder), List.of(settings), Map.of());
  }

  private static Path path(ResolvedRecipe resolved) {
    RouterInit init = resolved.recipe().language().orElseThrow().router().init();
    return ((RouterInit.File) init).path();
  }

  @Test
  void aRelativePathIsRelativeToTheRecipeFile() throws IOException {
    Path below = Files.createDirectories(folder.resolve("below"));
    Files.writeString(below.resolve("mine.yaml"), INIT);

    assertThat(path(resolve("below/mine.yaml"))).isEqualTo(below.resolve("router.safetensors"));
  }

  @Test
  void anInheritedPathIsRelativeToTheParentsFile() throws IOException {
    Path below = Files.createDirectories(folder.resolve("below"));
    Files.writeString(below.resolve("parent.yaml"), INIT);
    Files.writeString(folder.resolve("child.yaml"), "recipe: 1\nextends: below/parent.yaml\n");

    assertThat(path(resolve("child.yaml"))).isEqualTo(below.resolve("router.safetensors"));
  }

  @Test
  void aPathOfASettingIsRelativeToTheSettingsFolder() {
    Setting whole = Setting.parse("language.router.init={kind: file, path: other/r.safetensors}");
    Setting leaf = Setting.parse("language.router.init.path=../s.safetensors");
    Path at = folder.resolve("at");

    assertThat(path(resolve("mistral-8x2", whole.relativeTo(at))))
        .isEqualTo(at.resolve("other/r.safetensors"));
    assertThat(path(resolve("mistral-8x2", whole.relativeTo(at), leaf.relativeTo(at))))
        .isEqualTo(folder.resolve("s.safetensors"));
  }

  @Test
  void theFlatFileHoldsTheAbsolutePathAndReadsAnywhere() throws IOException {
    Files.writeString(folder.resolve("mine.yaml"), INIT);
    ResolvedRecipe resolved = resolve("./mine.yaml");

    ResolvedRecipe again =
        Recipes.resolve(new RecipeText("recipe.yaml", resolved.yaml()), List.of(), Map.of());

    assertThat(again.recipe()).isEqualTo(resolved.recipe());
    assertThat(resolved.yaml()).contains("path: ").contains(folder.toString());
  }

  @Test
  void aRelativePathOfNoFileIsRefused() {
    assertThatThrownBy(() -> Recipes.resolve(new RecipeText("text", INIT), List.of(), Map.of()))
        .isInstanceOf(RecipeException.class)
        .hasMessageContaining("language.router.init.path")
        .hasMessageContaining("absolute or relative to the recipe file");
  }

  @Test
  void aMissingPathIsRefusedByItsKey() {
    assertThatThrownBy(
            () -> resolve("mistral-8x2", Setting.parse("language.router.init={kind: file}")))
        .isInstanceOf(RecipeException.class)
        .hasMessageContaining("language.router.init.path")
        .hasMessageContaining("missing; expected the path of a file");
  }
}
