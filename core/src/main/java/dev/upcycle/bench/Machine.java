package dev.upcycle.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// What a measurement ran on.
///
/// @param processor as the operating system names it
/// @param processors how many the process may use
/// @param memoryBytes physical memory; 0 where unknown
/// @param system operating system and version
/// @param java version of the virtual machine
public record Machine(
    String processor, int processors, long memoryBytes, String system, String java) {
  /// This machine.
  public static Machine here() {
    return new Machine(
        field("/proc/cpuinfo", "model name", System.getProperty("os.arch", "unknown")),
        Runtime.getRuntime().availableProcessors(),
        Long.parseLong(field("/proc/meminfo", "MemTotal", "0").replaceAll("[^0-9]", "")) * 1024,
        System.getProperty("os.name") + " " + System.getProperty("os.version"),
        Runtime.version().toString());
  }

  private static String field(String file, String name, String otherwise) {
    try {
      return Files.readAllLines(Path.of(file)).stream()
          .filter(line -> line.startsWith(name))
          .map(line -> line.substring(line.indexOf(':') + 1).strip())
          .findFirst()
          .orElse(otherwise);
    } catch (IOException e) {
      return otherwise;
    }
  }
}
