package dev.upcycle.cli.command;

import dev.upcycle.checkpoint.write.ResourceException;
import dev.upcycle.cli.terminal.Surroundings;
import dev.upcycle.cli.terminal.Terminal;
import dev.upcycle.recipe.RecipeText;
import dev.upcycle.recipe.Recipes;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import picocli.CommandLine;
import picocli.CommandLine.Parameters;

/// Copies a recipe to a file of the user's own.
@CommandLine.Command(
    name = "cp",
    header = "Copy a recipe into a file of your own, to change it.",
    footer = {
      "upcycle recipe cp mistral-8x2 mine.yaml",
      "upcycle recipe validate mine.yaml",
    })
final class RecipeCpCommand extends Command {
  @Parameters(
      index = "0",
      paramLabel = "RECIPE",
      description = "A shipped recipe's name or a file.")
  private String recipe = "";

  @Parameters(
      index = "1",
      paramLabel = "FILE",
      description = "The file to make; never overwritten.")
  private Path file = Path.of("");

  RecipeCpCommand(Surroundings surroundings) {
    super(surroundings);
  }

  @Override
  ExitCode run(Terminal terminal) {
    RecipeText text = Recipes.text(recipe, surroundings().workingDirectory());
    Path target = resolve(file);
    try {
      Files.writeString(target, text.yaml(), StandardOpenOption.CREATE_NEW);
    } catch (FileAlreadyExistsException e) {
      throw new UsageException(file + " is already there; give another name or remove it");
    } catch (IOException e) {
      throw new ResourceException("cannot write " + file + ": " + e, e);
    }
    terminal.result(file.toString());
    terminal.note("check it after a change: upcycle recipe validate " + file);
    return ExitCode.OK;
  }
}
