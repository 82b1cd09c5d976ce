package dev.upcycle.cli.command;

import dev.upcycle.cli.terminal.Documents;
import dev.upcycle.cli.terminal.Quantities;
import dev.upcycle.cli.terminal.Surroundings;
import dev.upcycle.cli.terminal.Table;
import dev.upcycle.cli.terminal.Terminal;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import picocli.CommandLine;
import picocli.CommandLine.Mixin;
import tools.jackson.databind.node.ObjectNode;

/// Says what the program stands on.
@CommandLine.Command(
    name = "doctor",
    header = "Show what this program finds here: JDK, memory, disk, LibTorch.",
    footer = {"upcycle doctor", "upcycle doctor --json"})
final class DoctorCommand extends Command {
  @Mixin private JsonOption json = new JsonOption();

  DoctorCommand(Surroundings surroundings) {
    super(surroundings);
  }

  private record Memory(long total, long free, long heapLimit) {
    static Memory measure() {
      var system =
          (com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
      return new Memory(
          system.getTotalMemorySize(),
          system.getFreeMemorySize(),
          Runtime.getRuntime().maxMemory());
    }
  }

  private record Disk(Path path, String type, long usable, boolean writable) {
    static Disk of(Path path) {
      try {
        FileStore store = Files.getFileStore(path);
        return new Disk(path, store.type(), store.getUsableSpace(), Files.isWritable(path));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  /// Whether LibTorch could be loaded; asks for resources only, so that nothing is unpacked.
  private record LibTorch(boolean present, String reason) {
    static LibTorch look() {
      String platform = platform();
      ClassLoader loader = DoctorCommand.class.getClassLoader();
      if (loader.getResource("org/bytedeco/pytorch/Tensor.class") == null) {
        return new LibTorch(
            false, "left out of this distribution; inspect, plan, convert and verify do without");
      }
      if (loader.getResource("org/bytedeco/pytorch/" + platform + "/libjnitorch.so") == null
          && loader.getResource("org/bytedeco/pytorch/" + platform + "/libjnitorch.dylib")
              == null) {
        return new LibTorch(false, "no natives for " + platform + " on the class path");
      }
      return new LibTorch(true, "natives for " + platform + " on the class path");
    }

    private static String platform() {
      String os = System.getProperty("os.name").toLowerCase(Locale.ROOT);
      String arch = System.getProperty("os.arch");
      String chip = arch.equals("amd64") ? "x86_64" : arch.equals("aarch64") ? "arm64" : arch;
      return (os.startsWith("mac") ? "macosx" : "linux") + "-" + chip;
    }
  }

  @Override
  ExitCode run(Terminal terminal) {
    Memory memory = Memory.measure();
    Disk disk = Disk.of(surroundings().workingDirectory());
    LibTorch libTorch = LibTorch.look();
    if (json.wanted()) {
      terminal.result(document(memory, disk, libTorch));
    } else {
      terminal.result(table(memory, disk, libTorch).toString());
    }
    return ExitCode.OK;
  }

  private static Table table(Memory memory, Disk disk, LibTorch libTorch) {
    return Table.pairs()
        .row("upcycle", Build.current().version() + ", commit " + Build.current().commit())
        .row("JDK", Runtime.version() + ", " + System.getProperty("java.home"))
        .row(
            "system",
            System.getProperty("os.name")
                + " "
                + System.getProperty("os.version")
                + ", "
                + System.getProperty("os.arch")
                + ", "
                + Runtime.getRuntime().availableProcessors()
                + " processors")
        .row(
            "memory",
            Quantities.bytes(memory.total())
                + ", "
                + Quantities.bytes(memory.free())
                + " free; heap up to "
                + Quantities.bytes(memory.heapLimit()))
        .row(
            "disk",
            Quantities.bytes(disk.usable())
                + " free at "
                + disk.path()
                + " ("
                + disk.type()
                + (disk.writable() ? ", writable)" : ", not writable)"))
        .row("LibTorch", (libTorch.present() ? "present: " : "absent: ") + libTorch.reason());
  }

  private static ObjectNode document(Memory memory, Disk disk, LibTorch libTorch) {
    ObjectNode document = Documents.of("doctor");
    document.put("version", Build.current().version()).put("commit", Build.current().commit());
    document
        .putObject("jdk")
        .put("version", Runtime.version().toString())
        .put("home", System.getProperty("java.home"));
    document
        .putObject("system")
        .put("name", System.getProperty("os.name"))
        .put("version", System.getProperty("os.version"))
        .put("architecture", System.getProperty("os.arch"))
        .put("processors", Runtime.getRuntime().availableProcessors());
    document
        .putObject("memory")
        .put("total_bytes", memory.total())
        .put("free_bytes", memory.free())
        .put("heap_limit_bytes", memory.heapLimit());
    document
        .putObject("disk")
        .put("path", disk.path().toString())
        .put("type", disk.type())
        .put("free_bytes", disk.usable())
        .put("writable", disk.writable());
    document
        .putObject("libtorch")
        .put("present", libTorch.present())
        .put("reason", libTorch.reason());
    return document;
  }
}
