package dev.upcycle.recipe;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ShippedRecipesTest {
  private static final Path HERE = Path.of("");

  static List<String> shipped() {
    return Recipes.shipped();
  }

  static List<String> decoders() {
    return List.of("llama-4x2", "llama-8x2", "mistral-4x2", "mistral-8x2");
  }

  private static ResolvedRecipe resolve(String name) {
    return Recipes.resolve(Recipes.text(name, HERE), List.of(), Map.of());
  }

  @Test
  void theListNamesEveryShippedFile() throws IOException, URISyntaxException {
    URL one = Objects.requireNonNull(Recipes.class.getResource("shipped/mistral-8x2.yaml"));
    Path folder = Objects.requireNonNull(Path.of(one.toURI()).getParent());
    try (Stream<Path> files = Files.list(folder)) {
      List<String> names =
          files.map(f -> f.getFileName().toString().replace(".yaml", "")).sorted().toList();
      assertThat(Recipes.shipped()).isEqualTo(names);
    }
  }

  @ParameterizedTest
  @MethodSource("decoders")
  void eachForDecodersSaysWhatItsNameSays(String name) {
    Recipe recipe = resolve(name).recipe();
    String family = name.substring(0, name.indexOf('-'));
    int experts = Integer.parseInt(name.substring(name.indexOf('-') + 1, name.indexOf('x')));
    assertThat(recipe.name()).isEqualTo(name);
    assertThat(recipe.source()).isEqualTo(new Source(Map.of(Part.LANGUAGE, List.of(family))));
    assertThat(recipe.target()).isEqualTo("mixtral");
    assertThat(recipe.language())
        .isEqualTo(
            Optional.of(
                new Component(
                    new LayerSelection.All(),
                    new Experts(experts, 2, new ExpertInit.Copy()),
                    new Router(new RouterInit.Normal(0.02)))));
    assertThat(recipe.output())
        .isEqualTo(
            new Output(
                Optional.empty(),
                5_000_000_000L,
                Map.of("router_aux_loss_coef", 0.001, "output_router_logits", false)));
  }

  @Test
  void thoseForTowersAndConnectorsCopyExpertsAndFillRoutersAsTorchDoes() {
    assertThat(resolve("clip-vit-4x2").recipe().components())
        .isEqualTo(Map.of(Part.VISION, torch(new LayerSelection.All(), 4)));
    assertThat(resolve("siglip-4x2").recipe().source().of(Part.VISION)).containsExactly("siglip");
    assertThat(resolve("vit-4x2").recipe().source().of(Part.VISION)).containsExactly("vit");
    assertThat(resolve("connector-4x2").recipe().components())
        .isEqualTo(Map.of(Part.CONNECTOR, torch(new LayerSelection.All(), 4)));
    Component alternate = torch(new LayerSelection.Every(2, 1), 8);
    assertThat(resolve("clip-up-b16").recipe().components())
        .isEqualTo(Map.of(Part.VISION, alternate, Part.LANGUAGE, alternate));
    Component last = torch(new LayerSelection.Last(6), 4);
    assertThat(resolve("clip-moe-b16-4x2").recipe().components())
        .isEqualTo(Map.of(Part.VISION, last, Part.LANGUAGE, last));
    assertThat(resolve("clip-moe-b16-4x2").recipe().target()).isEqualTo("openai_clip_moe");
  }

  private static Component torch(LayerSelection layers, int experts) {
    return new Component(
        layers,
        new Experts(experts, 2, new ExpertInit.Copy()),
        new Router(new RouterInit.TorchLinear()));
  }

  @ParameterizedTest
  @MethodSource("shipped")
  void eachSaysInItsFirstLinesWhichCommandRunsIt(String name) {
    List<String> lines = Recipes.text(name, HERE).yaml().lines().limit(2).toList();
    assertThat(lines.get(0)).startsWith("# ").contains(" -> ").endsWith(" per token.");
    String command = resolve(name).recipe().training().isPresent() ? "train" : "convert";
    assertThat(lines.get(1)).startsWith("#   upcycle " + command + " " + name + " --model ");
    assertThat(lines.get(1)).contains(" --out ./");
  }

  @ParameterizedTest
  @MethodSource("shipped")
  void eachSpellsOutEveryValueOfAConversion(String name) {
    resolve(name)
        .origins()
        .forEach((path, origin) -> {
          if (!path.startsWith("train.")) {
            assertThat(origin.kind()).as(path).isEqualTo(Origin.Kind.RECIPE);
          }
        });
  }

  @ParameterizedTest
  @MethodSource("shipped")
  void eachExplainsEveryKey(String name) {
    List<String> values =
        Recipes.text(name, HERE)
            .yaml()
            .lines()
            .filter(line -> line.matches(" *[a-z_]+: .*"))
            .filter(line -> !line.contains(" # ") && !line.startsWith("name:"))
            .toList();
    assertThat(values).isEmpty();
  }

  @Test
  void aTitleIsTheFirstComment() {
    assertThat(Recipes.text("llama-4x2", HERE).title())
        .isEqualTo("Llama-style decoder -> Mixtral, 4 experts, 2 per token.");
  }
}
