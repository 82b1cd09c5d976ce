package dev.upcycle.cli.command;

import dev.upcycle.cli.terminal.Documents;
import dev.upcycle.cli.terminal.Quantities;
import dev.upcycle.cli.terminal.Surroundings;
import dev.upcycle.cli.terminal.Table;
import dev.upcycle.cli.terminal.Terminal;
import dev.upcycle.model.Backend;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Mixin;
import tools.jackson.databind.node.ObjectNode;

/// Says what the program stands on. LibTorch is loaded to see whether it does.
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

  /// Whether this distribution carries LibTorch for this machine, and where it does what it found.
  ///
  /// @param backend null where there is nothing to load
  private record LibTorch(boolean present, String reason, @Nullable Backend backend) {
    static LibTorch probe() {
      Carried carried = Carried.look();
      if (!carried.present()) {
        return new LibTorch(false, carried.reason(), null);
      }
      Backend backend = Backend.probe();
      return switch (backend) {
        case Backend.Ready _ -> new LibTorch(true, carried.reason(), backend);
        case Backend.Missing(String reason) -> new LibTorch(true, reason, backend);
      };
    }

    Optional<Backend.Ready> findReady() {
      return backend instanceof Backend.Ready ready ? Optional.of(ready) : Optional.empty();
    }

    String line() {
      return findReady()
          .map(ready ->
              "%s loads: %d threads, %s; %s"
                  .formatted(
                      ready.version(),
                      ready.processor().threads(),
                      ready.processor().capability(),
                      reason))
          .orElse((present ? "does not load: " : "absent: ") + reason);
    }

    String cudaLine() {
      return findReady()
          .map(Backend.Ready::gpus)
          .map(gpus ->
              gpus.usable() > 0
                  ? "GPUs that can be used: " + gpus.usable()
                  : gpus.findFault().orElse("no GPU is there"))
          .orElse("needs LibTorch");
    }
  }

  /// What lies on the class path; asks for resources only.
  private record Carried(boolean present, String reason) {
    static Carried look() {
      String platform = platform();
      ClassLoader loader = DoctorCommand.class.getClassLoader();
      if (loader.getResource("org/bytedeco/pytorch/Tensor.class") == null) {
        return new Carried(
            false, "left out of this distribution; inspect, plan, convert and verify do without");
      }
      if (loader.getResource("org/bytedeco/pytorch/" + platform + "/libjnitorch.so") == null
          && loader.getResource("org/bytedeco/pytorch/" + platform + "/libjnitorch.dylib")
              == null) {
        return new Carried(false, "no natives for " + platform + " on the class path");
      }
      return new Carried(true, "natives for " + platform + " on the class path");
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
    LibTorch libTorch = LibTorch.probe();
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
        .row("LibTorch", libTorch.line())
        .row("CUDA", libTorch.cudaLine());
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
    put(libTorch, document);
    return document;
  }

  private static void put(LibTorch libTorch, ObjectNode document) {
    Optional<Backend.Ready> ready = libTorch.findReady();
    Optional<Backend.Processor> processor = ready.map(Backend.Ready::processor);
    Optional<Backend.Gpus> gpus = ready.map(Backend.Ready::gpus);
    document
        .putObject("libtorch")
        .put("present", libTorch.present())
        .put("loads", ready.isPresent())
        .put("reason", libTorch.reason())
        .put("version", ready.map(Backend.Ready::version).orElse(null))
        .put("threads", processor.map(Backend.Processor::threads).orElse(null))
        .put("cpu_capability", processor.map(Backend.Processor::capability).orElse(null));
    document
        .putObject("cuda")
        .put("devices", gpus.map(Backend.Gpus::usable).orElse(0))
        .put("problem", gpus.flatMap(Backend.Gpus::findFault).orElse(null));
  }
}
