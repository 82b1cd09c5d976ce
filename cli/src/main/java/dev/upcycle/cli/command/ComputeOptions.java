package dev.upcycle.cli.command;

import dev.upcycle.cli.terminal.Terminal;
import dev.upcycle.model.ModelOptions;
import dev.upcycle.text.TextModel;
import java.nio.file.Path;
import java.util.Locale;
import java.util.regex.Pattern;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// Where a model computes, in what type and with how many threads.
final class ComputeOptions {
  private static final Pattern DEVICE = Pattern.compile("auto|cpu|cuda(:[0-9]{1,3})?");

  /// The types that models compute in.
  enum Compute {
    f32,
    bf16
  }

  @Option(
      names = "--device",
      paramLabel = "DEVICE",
      defaultValue = "auto",
      description = "auto, cpu or cuda[:INDEX]; default: ${DEFAULT-VALUE}.")
  private String device = "auto";

  @Option(
      names = "--dtype",
      paramLabel = "TYPE",
      defaultValue = "f32",
      description = "What to compute in: ${COMPLETION-CANDIDATES}; default: ${DEFAULT-VALUE}.")
  private Compute dtype = Compute.f32;

  @Mixin private ComputeThreadsOption threads = new ComputeThreadsOption();

  /// Opens a model's directory.
  TextModel open(Path model, Terminal terminal) {
    return TextModel.open(model, begin(terminal));
  }

  /// Device and type, with LibTorch told how many threads it has, and the user why a GPU that is
  /// there is not used.
  ModelOptions begin(Terminal terminal) {
    int count = threads();
    ModelOptions options = TextModel.options(checked(device), dtype());
    options.useThreads(count);
    ModelOptions.findFallback(device)
        .ifPresent(reason -> terminal.warning("computing on the CPU: " + reason));
    options.findCaution(device).ifPresent(terminal::warning);
    return options;
  }

  /// What stands behind `--device`.
  ///
  /// @throws UsageException when it names none
  static String checked(String device) {
    if (!DEVICE.matcher(device).matches()) {
      throw new UsageException("--device " + device + ": expected auto, cpu or cuda[:INDEX]");
    }
    return device;
  }

  /// The number of threads given, or that of the processors.
  int threads() {
    return threads.count();
  }

  /// The type as users write it.
  String dtype() {
    return dtype.name().toLowerCase(Locale.ROOT);
  }
}
