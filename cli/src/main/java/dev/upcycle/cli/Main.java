package dev.upcycle.cli;

import dev.upcycle.cli.command.Build;
import dev.upcycle.cli.command.ExitCode;
import dev.upcycle.cli.terminal.Surroundings;
import dev.upcycle.cli.terminal.Surroundings.Stream;
import java.io.BufferedOutputStream;
import java.io.FileDescriptor;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/// The process: arguments in, exit code out.
public final class Main {
  private Main() {}

  /// Runs the command line and exits.
  public static void main(String[] arguments) {
    // Nothing that is printed or written depends on where the machine stands.
    Locale.setDefault(Locale.ROOT);
    Interruption interruption = Interruption.watch(Thread.currentThread(), Interruption.PATIENCE);
    StandardStream out = new StandardStream(FileDescriptor.out);
    PrintStream err = utf8(new StandardStream(FileDescriptor.err));
    int code =
        run(
            List.of(arguments),
            new Surroundings(
                utf8(out),
                err,
                System.getenv(),
                Path.of("").toAbsolutePath(),
                terminals(),
                interruption));
    if (out.loss().isPresent() && code == ExitCode.OK.code()) {
      err.println("upcycle: the result could not be printed: " + out.loss().get());
      code = ExitCode.RESOURCES.code();
    }
    interruption.finish(code);
    System.exit(code);
  }

  /// Runs the command line within these surroundings.
  ///
  /// @return the exit code
  public static int run(List<String> arguments, Surroundings surroundings) {
    // The answer needs no parser, and scripts ask for it often.
    if (arguments.equals(List.of("--version")) || arguments.equals(List.of("-V"))) {
      surroundings.out().println(Build.current());
      return ExitCode.OK.code();
    }
    return new CommandLines(surroundings).run(arguments);
  }

  private static PrintStream utf8(StandardStream stream) {
    return new PrintStream(new BufferedOutputStream(stream), true, StandardCharsets.UTF_8);
  }

  // The launcher knows which streams are terminals; the JDK only tells about all of them together.
  private static Set<Stream> terminals() {
    String names = System.getProperty("upcycle.terminal", "");
    Set<Stream> terminals = EnumSet.noneOf(Stream.class);
    for (String name : names.split(",", -1)) {
      switch (name) {
        case "out" -> terminals.add(Stream.OUT);
        case "err" -> terminals.add(Stream.ERR);
        default -> {}
      }
    }
    return terminals;
  }
}
