package dev.upcycle.kernels.bench;

import java.lang.management.ManagementFactory;

/// How long something took.
///
/// @param wallSeconds on the clock
/// @param cpuSeconds of all threads of the process; holds where other programs share the machine
public record Timing(double wallSeconds, double cpuSeconds) {
  private static final com.sun.management.OperatingSystemMXBean SYSTEM =
      ManagementFactory.getPlatformMXBean(com.sun.management.OperatingSystemMXBean.class);

  /// Runs something once.
  public static Timing of(Runnable work) {
    long cpu = SYSTEM.getProcessCpuTime();
    long wall = System.nanoTime();
    work.run();
    return new Timing((System.nanoTime() - wall) / 1e9, (SYSTEM.getProcessCpuTime() - cpu) / 1e9);
  }
}
