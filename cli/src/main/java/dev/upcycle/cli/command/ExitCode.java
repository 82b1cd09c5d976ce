package dev.upcycle.cli.command;

import dev.upcycle.calibrate.CalibrationException;
import dev.upcycle.chat.ChatException;
import dev.upcycle.chat.jinja.TemplateException;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.write.CastOverflowException;
import dev.upcycle.checkpoint.write.OutputException;
import dev.upcycle.checkpoint.write.ResourceException;
import dev.upcycle.data.DataException;
import dev.upcycle.data.TokenizerException;
import dev.upcycle.densify.DensifyException;
import dev.upcycle.image.ImageException;
import dev.upcycle.model.KernelFault;
import dev.upcycle.model.NonFiniteException;
import dev.upcycle.plan.MissingPartsException;
import dev.upcycle.plan.PlanException;
import dev.upcycle.recipe.RecipeException;
import dev.upcycle.text.ResourceShortage;
import dev.upcycle.train.NonFiniteLossException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.InvalidPathException;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.stream.Stream;
import picocli.CommandLine;

/// What the process's exit code says, and the one table from exceptions to it.
public enum ExitCode {
  OK(0, "done"),
  FAULT(1, "a fault of this program"),
  USAGE(2, "wrong usage, or an output that may not be used as asked"),
  RECIPE(3, "the recipe is invalid"),
  INPUT(4, "a model or data file is unreadable, corrupt or unsupported"),
  CHECK(5, "a check failed"),
  RESOURCES(6, "the machine lacks something: disk, memory, a device, a lock"),
  INTERRUPTED(130, "interrupted (Ctrl-C, SIGTERM); convert, densify and train go on with --resume");

  private final int code;
  private final String meaning;

  ExitCode(int code, String meaning) {
    this.code = code;
    this.meaning = meaning;
  }

  /// The number that the process exits with.
  public int code() {
    return code;
  }

  /// What it says, in a few words.
  public String meaning() {
    return meaning;
  }

  /// What an exception means.
  public static ExitCode of(Throwable thrown) {
    if (interrupted(thrown)) {
      return INTERRUPTED;
    }
    return switch (thrown) {
      case CommandLine.ParameterException _,
          UsageException _,
          OutputException _,
          MissingPartsException _,
          InvalidPathException _ ->
          USAGE;
      case RecipeException _ -> RECIPE;
      case CheckpointFormatException _,
          CastOverflowException _,
          PlanException _,
          TokenizerException _,
          CalibrationException _,
          DensifyException _,
          DataException _,
          ImageException _,
          ChatException _,
          NonFiniteException _,
          TemplateException _ ->
          INPUT;
      case UncheckedIOException _, IOException _ -> INPUT;
      case NonFiniteLossException _ -> CHECK;
      case ResourceException _, ResourceShortage _, OutOfMemoryError _ -> RESOURCES;
      default -> KernelFault.find(thrown).map(ExitCode::of).orElse(FAULT);
    };
  }

  private static ExitCode of(KernelFault fault) {
    return switch (fault) {
      case MEMORY -> RESOURCES;
      case FILE -> INPUT;
      case OPERATION -> FAULT;
    };
  }

  // An interrupt that meets a channel in use closes it, and whoever read from it says that its file
  // cannot be read.
  private static boolean interrupted(Throwable thrown) {
    return Stream.iterate(thrown, Objects::nonNull, Throwable::getCause)
        .anyMatch(cause ->
            cause instanceof CancellationException
                || cause instanceof InterruptedException
                || cause instanceof ClosedByInterruptException);
  }
}
