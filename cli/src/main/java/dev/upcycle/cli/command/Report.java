package dev.upcycle.cli.command;

import dev.upcycle.cli.terminal.Terminal;
import dev.upcycle.plan.PlanException;
import dev.upcycle.recipe.Complaint;
import dev.upcycle.recipe.RecipeException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import java.util.Optional;

/// Says what went wrong.
final class Report {
  private final Terminal terminal;

  Report(Terminal terminal) {
    this.terminal = terminal;
  }

  void of(Throwable thrown, ExitCode exit, String afterInterruption) {
    terminal.logTrace(thrown);
    switch (exit) {
      case INTERRUPTED -> {
        terminal.error("interrupted");
        terminal.hint(afterInterruption);
      }
      case FAULT -> {
        terminal.error("a fault of this program: " + thrown);
        terminal.hint("run it again with --trace and report the stack trace");
      }
      case OK, USAGE, RECIPE, INPUT, CHECK, RESOURCES -> explain(thrown);
    }
  }

  private void explain(Throwable thrown) {
    switch (thrown) {
      case RecipeException recipe -> {
        for (Complaint complaint : recipe.complaints()) {
          terminal.error(complaint.toString());
        }
      }
      case PlanException plan -> plan.reasons().forEach(terminal::error);
      case OutOfMemoryError _ -> {
        terminal.error("out of memory: " + message(thrown));
        terminal.hint("give the JVM more: UPCYCLE_JAVA_OPTS=-Xmx2g");
      }
      default -> terminal.error(message(thrown));
    }
  }

  // An UncheckedIOException only repeats its cause; every other exception's own message says more
  // than its cause does. The message of a NoSuchFileException is the bare path.
  private static String message(Throwable thrown) {
    Throwable told =
        Optional.ofNullable(thrown.getCause())
            .filter(_ -> thrown instanceof UncheckedIOException)
            .orElse(thrown);
    return switch (told) {
      case NoSuchFileException missing -> missing.getFile() + ": there is no such file";
      case AccessDeniedException denied -> denied.getFile() + ": access denied";
      default -> Optional.ofNullable(thrown.getMessage()).orElse(thrown.toString());
    };
  }
}
