package dev.upcycle.cli.command;

import dev.upcycle.cli.terminal.Surroundings;
import dev.upcycle.cli.terminal.Terminal;
import dev.upcycle.recipe.Recipes;
import picocli.CommandLine;

/// Prints the recipe format's JSON Schema.
@CommandLine.Command(
    name = "schema",
    header = "Print the JSON Schema of recipe files, for editors.",
    footer = {"upcycle recipe schema > recipe.schema.json"})
final class RecipeSchemaCommand extends Command {
  RecipeSchemaCommand(Surroundings surroundings) {
    super(surroundings);
  }

  @Override
  ExitCode run(Terminal terminal) {
    terminal.result(Recipes.schema().stripTrailing());
    return ExitCode.OK;
  }
}
