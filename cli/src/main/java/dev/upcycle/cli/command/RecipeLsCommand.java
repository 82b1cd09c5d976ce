package dev.upcycle.cli.command;

import dev.upcycle.cli.terminal.Documents;
import dev.upcycle.cli.terminal.Surroundings;
import dev.upcycle.cli.terminal.Table;
import dev.upcycle.cli.terminal.Terminal;
import dev.upcycle.recipe.Component;
import dev.upcycle.recipe.Experts;
import dev.upcycle.recipe.Part;
import dev.upcycle.recipe.Recipe;
import dev.upcycle.recipe.Recipes;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine;
import picocli.CommandLine.Mixin;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// Lists the shipped recipes.
@CommandLine.Command(
    name = "ls",
    header = "List the shipped recipes.",
    footer = {"upcycle recipe ls", "upcycle recipe ls --json"})
final class RecipeLsCommand extends Command {
  @Mixin private JsonOption json = new JsonOption();

  RecipeLsCommand(Surroundings surroundings) {
    super(surroundings);
  }

  @Override
  ExitCode run(Terminal terminal) {
    List<Recipe> recipes = Recipes.shipped().stream().map(this::read).toList();
    if (json.wanted()) {
      terminal.result(document(recipes));
    } else {
      terminal.result(table(recipes).toString());
      terminal.note("show one: upcycle recipe show " + recipes.getFirst().name());
    }
    return ExitCode.OK;
  }

  // The shipped files as they are: neither flags nor variables belong into a list of them.
  private Recipe read(String name) {
    return Recipes.resolve(
            Recipes.text(name, surroundings().workingDirectory()), List.of(), Map.of())
        .recipe();
  }

  private static Table table(List<Recipe> recipes) {
    Table table = Table.of("recipe", "source", "target", "experts", "per token");
    for (Recipe recipe : recipes) {
      table.row(
          recipe.name(),
          String.join(", ", sources(recipe)),
          recipe.target(),
          experts(recipe).map(experts -> String.valueOf(experts.count())).orElse("-"),
          experts(recipe).map(experts -> String.valueOf(experts.perToken())).orElse("-"));
    }
    return table;
  }

  /// The families of every part that the recipe names.
  private static List<String> sources(Recipe recipe) {
    return Arrays.stream(Part.values())
        .filter(part -> recipe.source().families().containsKey(part))
        .flatMap(part -> recipe.source().of(part).stream())
        .toList();
  }

  /// Those of the first part that has any.
  private static Optional<Experts> experts(Recipe recipe) {
    return Arrays.stream(Part.values())
        .flatMap(part -> recipe.component(part).stream())
        .map(Component::experts)
        .findFirst();
  }

  private static ObjectNode document(List<Recipe> recipes) {
    ObjectNode document = Documents.of("recipe-ls");
    ArrayNode list = document.putArray("recipes");
    for (Recipe recipe : recipes) {
      ObjectNode node = list.addObject().put("name", recipe.name());
      sources(recipe).forEach(node.putArray("source")::add);
      node.put("target", recipe.target());
      experts(recipe)
          .ifPresent(
              experts -> node.put("experts", experts.count()).put("per_token", experts.perToken()));
    }
    return document;
  }
}
