package dev.upcycle.recipe;

import static java.nio.charset.StandardCharsets.UTF_16;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RecipeFilesTest {
  @TempDir Path folder;

  private Path write(String name, String yaml) throws IOException {
    Path file = folder.resolve(name);
    Files.createDirectories(folder.resolve(name).toAbsolutePath().getParent());
    return Files.writeString(file, yaml);
  }

  private ResolvedRecipe resolve(String nameOrPath) {
    return Recipes.resolve(Recipes.text(nameOrPath, folder), List.of(), Map.of());
  }

  @Test
  void aNameWithAnEndingIsAFile() throws IOException {
    write("mine.yml", "recipe: 1\nname: mine");
    assertThat(resolve("mine.yml").recipe().name()).isEqualTo("mine");
    assertThat(resolve(folder + "/mine.yml").recipe().name()).isEqualTo("mine");
  }

  @Test
  void aNameWithASeparatorIsAFile() throws IOException {
    write("mine", "recipe: 1\nname: mine");
    assertThat(resolve("./mine").recipe().name()).isEqualTo("mine");
  }

  @Test
  void aBareNameIsNeverAFile() throws IOException {
    write("mine", "recipe: 1");
    assertThatThrownBy(() -> resolve("mine"))
        .hasMessageStartingWith(
            "mine: no shipped recipe has this name; for the file of this name write ./mine;");
  }

  @Test
  void aMisspeltNameGetsTheNearestOne() {
    assertThatThrownBy(() -> resolve("mistral-8x3"))
        .isInstanceOf(RecipeException.class)
        .hasMessageStartingWith(
            "mistral-8x3: no shipped recipe has this name; did you mean mistral-8x2?; shipped:"
                + " clip-moe-b16-4x2, clip-up-b16, clip-vit-4x2, connector-4x2, cumo-mistral-4x7b,"
                + " cumo-mistral-7b, cumo-mistral-7b-train, llama-4x2, llama-8x2,");
  }

  @Test
  void aMissingFileThatIsShippedIsToldItsName() {
    assertThatThrownBy(() -> resolve("mistral-8x2.yaml"))
        .hasMessage(
            "mistral-8x2.yaml: no such file; the shipped recipe is named without path and ending:"
                + " mistral-8x2");
  }

  @Test
  void aFolderIsNoRecipe() {
    assertThatThrownBy(() -> resolve("./")).hasMessage("./: a folder; expected a file");
  }

  @Test
  void aByteOrderMarkIsNamed() throws IOException {
    write("bom.yaml", "\uFEFFrecipe: 1");
    assertThatThrownBy(() -> resolve("bom.yaml"))
        .hasMessage("bom.yaml: begins with a byte order mark; save it as UTF-8 without one");
  }

  @Test
  void wideEncodingsAreNamed() throws IOException {
    Files.write(folder.resolve("a.yaml"), "recipe: 1".getBytes(UTF_16));
    Files.write(folder.resolve("b.yaml"), new byte[] {'r', 0, 'e', 0});
    for (String file : List.of("a.yaml", "b.yaml")) {
      assertThatThrownBy(() -> resolve(file))
          .hasMessage(file + ": looks like UTF-16 or UTF-32; save it as UTF-8");
    }
  }

  @Test
  void bytesThatAreNoTextAreNamed() throws IOException {
    Files.write(folder.resolve("a.yaml"), new byte[] {'a', (byte) 0xE9, 'b'});
    assertThatThrownBy(() -> resolve("a.yaml"))
        .hasMessage("a.yaml: is not UTF-8 text; save it as UTF-8");
  }

  @Test
  void aHugeFileIsNoRecipe() throws IOException {
    Files.write(folder.resolve("a.yaml"), new byte[(4 << 20) + 1]);
    assertThatThrownBy(() -> resolve("a.yaml")).hasMessageContaining("which is no recipe");
  }

  @Test
  void aListIsNoRecipe() throws IOException {
    write("a.yaml", "- 1");
    assertThatThrownBy(() -> resolve("a.yaml"))
        .hasMessage("a.yaml:1:1: found the list [1]; expected a map that begins with `recipe: 1`");
  }

  @Test
  void windowsLineEndsAreRead() throws IOException {
    Files.write(folder.resolve("a.yaml"), "recipe: 1\r\nname: a\r\n".getBytes(UTF_8));
    assertThat(resolve("a.yaml").recipe().name()).isEqualTo("a");
  }

  @Test
  void aChildReplacesSingleValuesOfItsShippedParent() throws IOException {
    write(
        "mine.yaml",
        """
        recipe: 1
        extends: mistral-8x2
        language: {experts: {count: 16}, router: {init: {std: 0.5}}}
        output: {config: {output_router_logits: true}}
        """);
    ResolvedRecipe resolved = resolve("mine.yaml");
    Component language = resolved.recipe().language().orElseThrow();
    assertThat(language.experts()).isEqualTo(new Experts(16, 2, new ExpertInit.Copy()));
    assertThat(language.router()).isEqualTo(new Router(new RouterInit.Normal(0.5)));
    assertThat(resolved.recipe().output().config())
        .isEqualTo(Map.of("router_aux_loss_coef", 0.001, "output_router_logits", true));
    assertThat(resolved.origins())
        .containsEntry("language.experts.count", new Origin(Origin.Kind.RECIPE, "mine.yaml:3"))
        .hasEntrySatisfying(
            "language.experts.per_token",
            origin -> assertThat(origin.detail()).startsWith("mistral-8x2:"));
    assertThat(resolved.yaml()).doesNotContain("extends");
  }

  @Test
  void anotherKindReplacesTheParentsWholeMap() throws IOException {
    write(
        "mine.yaml", "recipe: 1\nextends: mistral-8x2\nlanguage: {router: {init: {kind: zero}}}\n");
    assertThat(resolve("mine.yaml").recipe().language().orElseThrow().router())
        .isEqualTo(new Router(new RouterInit.Zero()));
  }

  @Test
  void anotherFormOfLayersReplacesTheParentsWholeMap() throws IOException {
    write("base.yaml", "recipe: 1\nlanguage: {layers: {every: 2, offset: 1}}\n");
    write("mine.yaml", "recipe: 1\nextends: base.yaml\nlanguage: {layers: {last: 3}}\n");
    assertThat(resolve("mine.yaml").recipe().language().orElseThrow().layers())
        .isEqualTo(new LayerSelection.Last(3));
  }

  @Test
  void aParentsPathIsRelativeToItsChild() throws IOException {
    write("deep/base.yaml", "recipe: 1\nseed: 5\n");
    write("deep/mine.yaml", "recipe: 1\nextends: base.yaml\n");
    assertThat(resolve("deep/mine.yaml").recipe().seed()).isEqualTo(5);
  }

  @Test
  void aGrandparentIsRefused() throws IOException {
    write("base.yaml", "recipe: 1\nextends: llama-4x2\n");
    write("mine.yaml", "recipe: 1\nextends: base.yaml\n");
    assertThatThrownBy(() -> resolve("mine.yaml"))
        .hasMessage(
            "base.yaml:2:1: extends: a recipe that others extend cannot extend one itself; write"
                + " its values out");
  }

  @Test
  void aMissingParentIsAComplaintWhereItIsNamed() throws IOException {
    write("mine.yaml", "recipe: 1\nextends: mistral-8x\n");
    assertThatThrownBy(() -> resolve("mine.yaml"))
        .hasMessageStartingWith(
            "mine.yaml:2:10: extends: mistral-8x: no shipped recipe has this name; did you mean"
                + " mistral-8x2?");
  }

  @Test
  void aParentsMistakesAreComplaintsAboutTheParent() throws IOException {
    write("base.yaml", "recipe: 1\nseed: x\n");
    write("mine.yaml", "recipe: 1\nextends: base.yaml\ntarget: y\n");
    assertThatThrownBy(() -> resolve("mine.yaml"))
        .hasMessageContaining("base.yaml:2:7: seed: ")
        .hasMessageContaining("mine.yaml:3:9: target: ");
  }

  @Test
  void aParentOfAnotherVersionIsRefused() throws IOException {
    write("base.yaml", "recipe: 2\n");
    write("mine.yaml", "recipe: 1\nextends: base.yaml\n");
    assertThatThrownBy(() -> resolve("mine.yaml"))
        .hasMessage("base.yaml:1:9: recipe: found 2; expected 1");
  }

  @Test
  void aChildNeedsAVersionOfItsOwn() throws IOException {
    write("mine.yaml", "extends: mistral-8x2\n");
    assertThatThrownBy(() -> resolve("mine.yaml"))
        .hasMessageStartingWith("mine.yaml:1:1: recipe: missing");
  }

  @Test
  void aTextThatIsNoFileExtendsShippedRecipesOnly() {
    RecipeText shipped = new RecipeText("text", "recipe: 1\nextends: llama-4x2");
    assertThat(Recipes.resolve(shipped, List.of(), Map.of()).recipe().name())
        .isEqualTo("llama-4x2");
    RecipeText file = new RecipeText("text", "recipe: 1\nextends: base.yaml");
    assertThatThrownBy(() -> Recipes.resolve(file, List.of(), Map.of()))
        .hasMessageContaining("a relative path needs a file that it is relative to");
  }
}
