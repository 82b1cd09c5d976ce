package dev.upcycle.cli.command;

import dev.upcycle.cli.terminal.Surroundings;
import dev.upcycle.cli.terminal.Terminal;
import dev.upcycle.recipe.RecipeText;
import dev.upcycle.recipe.Recipes;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// Prints a recipe.
@CommandLine.Command(
    name = "show",
    header = "Print a recipe, as it is written or with every value and its origin.",
    footer = {
      "upcycle recipe show mistral-8x2",
      "upcycle recipe show mistral-8x2 --resolved",
      "upcycle recipe show llama-4x2 --set seed=7",
    })
final class RecipeShowCommand extends Command {
  @Parameters(paramLabel = "RECIPE", description = "A shipped recipe's name or a file.")
  private String recipe = "";

  @Option(
      names = "--resolved",
      description = "Print every value, defaults too, with who set it behind it.")
  private boolean resolved;

  @Option(
      names = "--set",
      paramLabel = "KEY=VALUE",
      description = "Replace the value at a key path; implies --resolved. Repeatable.")
  private List<String> sets = new ArrayList<>();

  RecipeShowCommand(Surroundings surroundings) {
    super(surroundings);
  }

  @Override
  ExitCode run(Terminal terminal) {
    RecipeText text = Recipes.text(recipe, surroundings().workingDirectory());
    String shown =
        resolved || !sets.isEmpty()
            ? Recipes.resolve(
                    text,
                    sets.stream().map(SetArgument::parse).toList(),
                    surroundings().environment())
                .yamlWithOrigins()
            : text.yaml();
    terminal.result(shown.stripTrailing());
    return ExitCode.OK;
  }
}
