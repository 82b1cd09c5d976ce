package dev.upcycle.bench;

import dev.upcycle.kernels.bench.Timing;
import java.lang.management.ManagementFactory;

/// Runs from when it is made.
final class Stopwatch {
  private static final double NANOS = 1e9;
  private static final com.sun.management.OperatingSystemMXBean SYSTEM =
      ManagementFactory.getPlatformMXBean(com.sun.management.OperatingSystemMXBean.class);

  private final long cpu = SYSTEM.getProcessCpuTime();
  private final long wall = System.nanoTime();

  /// The time so far.
  Timing read() {
    return new Timing(
        (System.nanoTime() - wall) / NANOS, (SYSTEM.getProcessCpuTime() - cpu) / NANOS);
  }
}
