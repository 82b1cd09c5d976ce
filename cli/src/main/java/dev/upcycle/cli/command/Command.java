package dev.upcycle.cli.command;

import dev.upcycle.cli.terminal.Quantities;
import dev.upcycle.cli.terminal.Surroundings;
import dev.upcycle.cli.terminal.Terminal;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Mixin;

/// A command: opens the terminal, runs, and turns what is thrown into messages and an exit code.
public abstract class Command implements Callable<Integer> {
  @Mixin private OutputOptions output;

  private final Surroundings surroundings;

  Command(Surroundings surroundings) {
    this.surroundings = surroundings;
    this.output = new OutputOptions();
  }

  /// Does the work; what it throws is reported by its caller.
  abstract ExitCode run(Terminal terminal) throws InterruptedException;

  /// What to do after this command was interrupted.
  String afterInterruption() {
    return "nothing was kept to go on from; start again: the same command";
  }

  final Surroundings surroundings() {
    return surroundings;
  }

  final Path resolve(Path path) {
    return surroundings.resolve(path);
  }

  @Override
  public final Integer call() {
    try (Terminal terminal = output.open(surroundings)) {
      return runReporting(terminal).code();
    } catch (UsageException | dev.upcycle.checkpoint.write.ResourceException e) {
      surroundings.err().println("upcycle: " + e.getMessage());
      return ExitCode.of(e).code();
    }
  }

  // Whatever happens must end in an exit code and one message, so everything is caught here.
  @SuppressWarnings("CatchAndPrintStackTrace")
  private ExitCode runReporting(Terminal terminal) {
    terminal.detail(
        "%s on Java %s in %s, with %s for its heap"
            .formatted(
                Build.current(),
                Runtime.version(),
                surroundings.workingDirectory(),
                Quantities.bytes(Runtime.getRuntime().maxMemory())));
    long start = System.nanoTime();
    try {
      ExitCode exit = run(terminal);
      terminal.detail("took " + Quantities.seconds((System.nanoTime() - start) / 1e9));
      return exit;
    } catch (Throwable thrown) {
      ExitCode exit = ExitCode.of(thrown);
      new Report(terminal).of(thrown, exit, afterInterruption());
      if (output.trace()) {
        thrown.printStackTrace(surroundings.err());
      }
      return exit;
    }
  }
}
