package dev.upcycle.function;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.function.FunctionVerifier.Expectation;
import dev.upcycle.function.FunctionVerifier.Question;
import dev.upcycle.kernels.tensor.LibTorch;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/// A program that compares two models and tells the most memory that it had resident, in bytes.
final class FunctionMemoryProbe {
  static final Path STATUS = Path.of("/proc/self/status");

  private FunctionMemoryProbe() {}

  public static void main(String[] arguments) throws IOException, InterruptedException {
    LibTorch.useThreads(1);
    FunctionReport report =
        FunctionVerifier.verify(
            Checkpoint.open(Path.of(arguments[0])),
            Checkpoint.open(Path.of(arguments[1])),
            new Question(Expectation.CONVERTED, List.of()),
            (_, _) -> {});
    if (!report.passed()) {
      throw new IllegalStateException(report.failures().toString());
    }
    System.out.println(peakBytes());
  }

  private static long peakBytes() throws IOException {
    return Files.readAllLines(STATUS).stream()
        .filter(line -> line.startsWith("VmHWM:"))
        .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) << 10)
        .findFirst()
        .orElseThrow();
  }
}
