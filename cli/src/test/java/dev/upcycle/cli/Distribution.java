package dev.upcycle.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/// The packaged program, unpacked, as a user would run it.
///
/// @param launcher its `bin/upcycle`
record Distribution(Path launcher) {
  /// What a process gave back.
  record Outcome(int code, String out, String err) {}

  /// Unpacks the archive that the build made.
  static Distribution unpack(Path into) throws IOException, InterruptedException {
    String archive = System.getProperty("upcycle.distribution");
    Path folder = Files.createDirectories(into);
    Process tar =
        new ProcessBuilder("tar", "-xzf", archive, "-C", folder.toString(), "--strip-components=1")
            .inheritIO()
            .start();
    if (tar.waitFor() != 0) {
      throw new IOException("cannot unpack " + archive);
    }
    return new Distribution(folder.resolve("bin/upcycle"));
  }

  /// Starts the launcher; standard streams go to files `out` and `err` in the folder.
  Process start(Path folder, Map<String, String> environment, List<String> arguments)
      throws IOException {
    List<String> command = new ArrayList<>(List.of(launcher.toString()));
    command.addAll(arguments);
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .directory(folder.toFile())
            .redirectOutput(folder.resolve("out").toFile())
            .redirectError(folder.resolve("err").toFile());
    builder.environment().putAll(environment);
    return builder.start();
  }

  Outcome run(Path folder, Map<String, String> environment, List<String> arguments)
      throws IOException, InterruptedException {
    Process process = start(folder, environment, arguments);
    if (!process.waitFor(5, TimeUnit.MINUTES)) {
      process.destroyForcibly();
      throw new IOException("did not end: " + arguments);
    }
    return new Outcome(process.exitValue(), read(folder, "out"), read(folder, "err"));
  }

  Outcome run(Path folder, String... arguments) throws IOException, InterruptedException {
    return run(folder, Map.of(), List.of(arguments));
  }

  private static String read(Path folder, String name) throws IOException {
    return Files.readString(folder.resolve(name), StandardCharsets.UTF_8);
  }
}
