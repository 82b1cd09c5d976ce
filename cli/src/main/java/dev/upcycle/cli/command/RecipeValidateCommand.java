package dev.upcycle.cli.command;

import dev.upcycle.cli.terminal.Surroundings;
import dev.upcycle.cli.terminal.Terminal;
import dev.upcycle.recipe.Complaint;
import dev.upcycle.recipe.RecipeException;
import dev.upcycle.recipe.Recipes;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Parameters;

/// Checks recipes.
@CommandLine.Command(
    name = "validate",
    header = "Check recipes; all complaints at once.",
    footer = {
      "upcycle recipe validate mistral-8x2",
      "upcycle recipe cp mistral-8x2 mine.yaml",
      "upcycle recipe validate mine.yaml llama-8x2",
    })
final class RecipeValidateCommand extends Command {
  @Parameters(
      arity = "1..*",
      paramLabel = "RECIPE",
      description = "Shipped recipes' names or files.")
  private List<String> recipes = List.of();

  RecipeValidateCommand(Surroundings surroundings) {
    super(surroundings);
  }

  @Override
  ExitCode run(Terminal terminal) {
    List<Complaint> complaints = new ArrayList<>();
    for (String recipe : recipes) {
      try {
        Recipes.resolve(
            Recipes.text(recipe, surroundings().workingDirectory()),
            List.of(),
            surroundings().environment());
        terminal.result(recipe + ": valid");
      } catch (RecipeException e) {
        complaints.addAll(e.complaints());
      }
    }
    if (!complaints.isEmpty()) {
      throw new RecipeException(complaints);
    }
    return ExitCode.OK;
  }
}
