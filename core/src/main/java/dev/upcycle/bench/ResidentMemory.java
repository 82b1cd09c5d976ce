package dev.upcycle.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;

/// The resident memory of this process as the Linux kernel counts it, mapped pages included.
public final class ResidentMemory {
  private static final Path STATUS = Path.of("/proc/self/status");
  private static final Path CLEAR_REFS = Path.of("/proc/self/clear_refs");

  /// Resets the high-water mark (`man 5 proc`, `/proc/pid/clear_refs`).
  private static final String RESET_PEAK = "5";

  private ResidentMemory() {}

  /// The peak in bytes since the start of the process or the last reset; empty where the kernel
  /// does not say.
  public static OptionalLong peakBytes() {
    try {
      return Files.readAllLines(STATUS).stream()
          .filter(line -> line.startsWith("VmHWM:"))
          .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")) * 1024)
          .findFirst();
    } catch (IOException e) {
      return OptionalLong.empty();
    }
  }

  /// Forgets the peak so far; false where the kernel does not let us, so that the next peak
  /// includes what went before.
  public static boolean resetPeak() {
    try {
      Files.writeString(CLEAR_REFS, RESET_PEAK);
      return true;
    } catch (IOException e) {
      return false;
    }
  }
}
