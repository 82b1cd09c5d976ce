package dev.upcycle.cli.command;

import dev.upcycle.cli.terminal.Surroundings;
import dev.upcycle.cli.terminal.Terminal;
import picocli.AutoComplete;
import picocli.CommandLine;

/// Prints a completion script.
@CommandLine.Command(
    name = "completion",
    header = "Print a completion script for bash and zsh.",
    footer = {
      "upcycle completion > upcycle-completion.sh",
      ". ./upcycle-completion.sh",
    })
final class CompletionCommand extends Command {
  CompletionCommand(Surroundings surroundings) {
    super(surroundings);
  }

  @Override
  ExitCode run(Terminal terminal) {
    terminal.result(AutoComplete.bash("upcycle", Commands.line(surroundings())).stripTrailing());
    return ExitCode.OK;
  }
}
