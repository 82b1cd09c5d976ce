package dev.upcycle.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.recipe.Recipes;
import dev.upcycle.sample.TinyModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Every command line that a user can read works, on tiny models under the names that it uses.
class ExamplesTest {
  private static final Path ROOT = Path.of(System.getProperty("upcycle.root"));

  private static final String CONVERSION =
      "upcycle convert mistral-8x2 --model ./Mistral-7B-v0.1 --out ";

  @TempDir private Path folder;

  static List<String> commands() {
    return List.of(
        "",
        "quickstart",
        "quickstart cumo",
        "inspect",
        "plan",
        "convert",
        "verify",
        "densify",
        "eval",
        "train",
        "generate",
        "route",
        "calibrate",
        "recipe",
        "recipe ls",
        "recipe show",
        "recipe cp",
        "recipe validate",
        "recipe schema",
        "data",
        "data check",
        "smoke",
        "bench",
        "bench convert",
        "bench data",
        "bench layer",
        "bench step",
        "bench prefill",
        "bench tower",
        "bench train",
        "doctor",
        "completion");
  }

  /// Starts of the names of dense models in examples, each with a recipe that takes such a model.
  private static final Map<String, String> DENSE =
      Map.of(
          "Mistral-", "mistral-8x2",
          "Llama-", "llama-8x2",
          "clip-vit-base", "clip-moe-b16-4x2",
          "clip-vit-large", "clip-vit-4x2",
          "siglip-", "siglip-4x2",
          "vit-", "vit-4x2",
          "projector", "connector-4x2",
          "llava-mistral", "cumo-mistral-7b",
          "llava-1.5", "moe-llava-1.5-7b");

  @ParameterizedTest
  @MethodSource("commands")
  void everyHelpEndsWithExamplesThatWork(String command) throws IOException {
    List<String> help = new ArrayList<>(ShellLine.split(command));
    help.add("--help");
    String text = Session.in(folder).run(help).out();
    String footer = text.substring(text.indexOf("\nExamples:"));
    if (command.equals("verify")) {
      run(CONVERSION + "./Mistral-8x7B");
    }
    if (command.equals("densify")) {
      run(CONVERSION + "./Mistral-8x7B");
      run(CONVERSION + "./Mistral-8x7B-tuned");
    }

    runAll(footer);
  }

  @ParameterizedTest
  @MethodSource("commands")
  void noExampleOfAHelpIsBrokenOverLines(String command) {
    List<String> help = new ArrayList<>(ShellLine.split(command));
    help.add("--help");
    String text = Session.in(folder).run(help).out();

    List<String> lines =
        text.substring(text.indexOf("\nExamples:"))
            .lines()
            .skip(2)
            .filter(l -> !l.isBlank())
            .toList();
    for (int i = 0; i < lines.size(); i++) {
      boolean continued = i > 0 && lines.get(i - 1).endsWith("\\");
      assertThat(continued || lines.get(i).matches(" +(upcycle|[.]) .*")).as(lines.get(i)).isTrue();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"README.md", "docs/commands.md"})
  void everyCommandOfTheDocumentationWorks(String page) throws IOException {
    runAll(Files.readString(ROOT.resolve(page)));
  }

  @Test
  void readmeClaimsWhatTheDocumentationOfVerifyDescribes() throws IOException {
    String readme = Files.readString(ROOT.resolve("README.md")).replaceAll("\\s+", " ");
    String commands = Files.readString(ROOT.resolve("docs/commands.md")).replaceAll("\\s+", " ");

    assertThat(readme)
        .contains(
            "`verify` also runs both models, decoders, image towers, CLIP, connectors and LLaVA");
    assertThat(commands)
        .contains(
            "Image towers, CLIP and SigLIP with their text towers, connectors and LLaVA compositions are run");
    assertThat(readme).contains("`train` runs a recipe's stages").doesNotContain("does not train");
  }

  static List<String> conversions() {
    return Recipes.shipped().stream()
        .filter(name ->
            Recipes.resolve(Recipes.text(name, ROOT), List.of(), Map.of())
                .recipe()
                .training()
                .isEmpty())
        .toList();
  }

  @ParameterizedTest
  @MethodSource("conversions")
  void commandInTheFirstLinesOfAShippedRecipePlans(String name) throws IOException {
    String text = Recipes.text(name, folder).yaml().replaceAll("(?m)^# *", "");
    List<String> command = ShellLine.split(ShellLine.commands(text).getFirst());
    makeModels(command);
    List<String> dry = new ArrayList<>(command.subList(1, command.size()));
    dry.add("--dry-run");

    Session.Outcome outcome = Session.in(folder).run(dry);

    assertThat(outcome.code()).describedAs(outcome.err()).isZero();
    assertThat(outcome.out()).contains(name);
  }

  @Test
  void exampleThatNamesAMissingModelIsNoticed() {
    assertThat(Session.in(folder).run("plan", "--model", "./Mistral-7B-v0.1").code()).isEqualTo(4);
  }

  private void runAll(String text) throws IOException {
    List<String> lines = ShellLine.commands(text);
    assertThat(lines).isNotEmpty();
    if (text.contains("./try-it/") && !text.contains("upcycle quickstart")) {
      run("upcycle quickstart --out ./try-it");
    }
    for (String line : lines) {
      run(line);
    }
  }

  private void run(String line) throws IOException {
    List<String> words = ShellLine.split(line);
    makeModels(words);
    Session.Outcome outcome = Session.in(folder).run(words.subList(1, words.size()));
    assertThat(outcome.code()).describedAs(line + "\n" + outcome.err()).isZero();
  }

  /// A recipe of the user's own that trains, as docs/commands.md has it.
  private static final String TUNE =
      """
      recipe: 1
      train:
        stages:
          - name: tune
            rates: {all: 1.0e-5}
            data: {path: try-it/dense/held-out.txt, max_tokens: 256}
      """;

  // A model directory that an example takes for granted, under the name that it uses.
  private void makeModels(List<String> words) throws IOException {
    if (words.contains("./tune.yaml")) {
      Files.writeString(folder.resolve("tune.yaml"), TUNE);
    }
    String output = words.contains("--out") ? words.get(words.indexOf("--out") + 1) : "";
    for (String said : words) {
      String word = said.replaceFirst("^(language|vision)=", "");
      Path model = folder.resolve(word.replace("/config.json", ""));
      Optional<String> recipe = recipeFor(word);
      if (recipe.isPresent() && !word.equals(output) && Files.notExists(model)) {
        TinyModel.write(
            Recipes.resolve(Recipes.text(recipe.get(), folder), List.of(), Map.of()).recipe(),
            model);
      }
    }
  }

  /// A recipe that takes such a model, by the name of the model's folder.
  private static Optional<String> recipeFor(String word) {
    return word.matches(".*\\dx\\d.*")
        ? Optional.empty()
        : DENSE.entrySet().stream()
            .filter(entry -> word.startsWith("./" + entry.getKey()))
            .map(Map.Entry::getValue)
            .findFirst();
  }
}
