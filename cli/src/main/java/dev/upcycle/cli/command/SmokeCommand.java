package dev.upcycle.cli.command;

import dev.upcycle.checkpoint.write.ResourceException;
import dev.upcycle.cli.terminal.Documents;
import dev.upcycle.cli.terminal.Quantities;
import dev.upcycle.cli.terminal.Surroundings;
import dev.upcycle.cli.terminal.Table;
import dev.upcycle.cli.terminal.Terminal;
import dev.upcycle.recipe.RecipeText;
import dev.upcycle.recipe.Recipes;
import dev.upcycle.sample.JunitXml;
import dev.upcycle.sample.SmokeResult;
import dev.upcycle.sample.SmokeResult.Outcome;
import dev.upcycle.sample.SmokeRun;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// Tries recipes on tiny models.
@CommandLine.Command(
    name = "smoke",
    header = "Try recipes on tiny models made for the purpose; needs no weights, made for CI.",
    description =
        "Each recipe's own architecture is made small with random weights, converted and verified;"
            + " then the result is damaged, and verification must notice. Exit code 5 when a stage"
            + " fails.",
    footer = {
      "upcycle smoke",
      "upcycle smoke mistral-8x2 --junit smoke.xml",
    })
final class SmokeCommand extends Command {
  @Parameters(
      arity = "0..*",
      paramLabel = "RECIPE",
      description = "Shipped recipes' names or files; all shipped recipes when absent.")
  private List<String> recipes = List.of();

  @Option(
      names = "--junit",
      paramLabel = "FILE",
      description = "Write the results as JUnit XML too.")
  private @Nullable Path junit;

  @Mixin private JsonOption json = new JsonOption();

  SmokeCommand(Surroundings surroundings) {
    super(surroundings);
  }

  @Override
  ExitCode run(Terminal terminal) {
    List<RecipeText> texts =
        (recipes.isEmpty() ? Recipes.shipped() : recipes)
            .stream().map(name -> Recipes.text(name, surroundings().workingDirectory())).toList();
    List<SmokeResult> results =
        SmokeRun.run(texts, result -> terminal.detail(result.recipe() + ": " + name(result)));
    if (junit != null) {
      write(JunitXml.render(results), resolve(junit));
    }
    if (json.wanted()) {
      terminal.result(document(results));
    } else {
      terminal.result(table(results).toString());
    }
    return passed(results) ? ExitCode.OK : ExitCode.CHECK;
  }

  private static boolean passed(List<SmokeResult> results) {
    return results.stream().allMatch(result -> result.outcome() == Outcome.PASSED);
  }

  private static String name(SmokeResult result) {
    return result.stage().title() + " " + lower(result.outcome());
  }

  private static String lower(Outcome constant) {
    return constant.name().toLowerCase(Locale.ROOT);
  }

  private static Table table(List<SmokeResult> results) {
    Table table = Table.of("recipe", "stage", "outcome", "ms", "");
    for (SmokeResult result : results) {
      table.row(
          result.recipe(),
          result.stage().title(),
          lower(result.outcome()),
          Quantities.count(result.millis()),
          result.detail());
    }
    return table;
  }

  private static ObjectNode document(List<SmokeResult> results) {
    ObjectNode document = Documents.of("smoke").put("passed", passed(results));
    ArrayNode list = document.putArray("results");
    for (SmokeResult result : results) {
      list.addObject()
          .put("recipe", result.recipe())
          .put("stage", result.stage().title())
          .put("outcome", lower(result.outcome()))
          .put("detail", result.detail())
          .put("millis", result.millis());
    }
    return document;
  }

  private static void write(String text, Path file) {
    try {
      Files.writeString(file, text);
    } catch (IOException e) {
      throw new ResourceException("cannot write " + file + ": " + e, e);
    }
  }
}
