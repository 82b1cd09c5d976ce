package dev.upcycle.cli;

import dev.upcycle.cli.command.Commands;
import dev.upcycle.cli.command.ExitCode;
import dev.upcycle.cli.terminal.Printable;
import dev.upcycle.cli.terminal.Surroundings;
import dev.upcycle.cli.terminal.Surroundings.Stream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import picocli.CommandLine;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/// Parses and runs one command line.
final class CommandLines {
  private static final Pattern ASSIGNMENT =
      Pattern.compile("[a-z_]+(\\.[a-z_]+)*=.*", Pattern.DOTALL);

  private final Surroundings surroundings;

  CommandLines(Surroundings surroundings) {
    this.surroundings = surroundings;
  }

  int run(List<String> arguments) {
    CommandLine root = Commands.lineFor(arguments, surroundings);
    configure(root);
    String[] given = arguments.toArray(String[]::new);
    return given.length == 0 ? usage(root) : root.execute(given);
  }

  private int usage(CommandLine root) {
    root.usage(root.getErr(), ansi(Stream.ERR));
    return ExitCode.USAGE.code();
  }

  private void configure(CommandLine root) {
    // An argument that begins with @ is passed through like any other.
    root.setExpandAtFiles(false);
    root.setOut(writer(surroundings.out()));
    root.setErr(writer(surroundings.err()));
    root.setColorScheme(CommandLine.Help.defaultColorScheme(ansi(Stream.OUT)));
    root.setParameterExceptionHandler((thrown, _) -> refuse(thrown));
  }

  private static PrintWriter writer(java.io.PrintStream stream) {
    return new PrintWriter(stream, true, StandardCharsets.UTF_8);
  }

  private Ansi ansi(Stream stream) {
    return surroundings.colours(stream) ? Ansi.ON : Ansi.OFF;
  }

  private int refuse(ParameterException thrown) {
    CommandLine command = thrown.getCommandLine();
    PrintWriter err = command.getErr();
    err.println("upcycle: " + Printable.of(String.valueOf(thrown.getMessage())));
    String hint = hint(thrown);
    if (!hint.isEmpty()) {
      err.println("hint: " + hint);
    } else {
      UnmatchedArgumentException.printSuggestions(thrown, err);
    }
    err.println("help: " + command.getCommandSpec().qualifiedName() + " --help");
    return ExitCode.of(thrown).code();
  }

  private static String hint(ParameterException thrown) {
    if (!(thrown instanceof UnmatchedArgumentException unmatched)) {
      return "";
    }
    return unmatched.getUnmatched().stream()
        .filter(argument -> ASSIGNMENT.matcher(argument).matches())
        .map(argument -> "did you mean --set '" + argument + "'?")
        .collect(Collectors.joining("\n"));
  }
}
