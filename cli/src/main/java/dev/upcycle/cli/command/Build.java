package dev.upcycle.cli.command;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Properties;

/// Which build of the program runs.
///
/// @param version such as `0.1.0`
/// @param commit the source's commit, or `unknown` where it was built outside a repository
public record Build(String version, String commit) {
  /// The build that this class belongs to.
  public static Build current() {
    Properties properties = new Properties();
    try (InputStream in = Build.class.getResourceAsStream("build.properties")) {
      if (in == null) {
        throw new IllegalStateException("build.properties is missing beside Build.class");
      }
      properties.load(in);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return new Build(properties.getProperty("version"), properties.getProperty("commit"));
  }

  /// How the user started the program, for commands that are shown to be copied.
  static String command() {
    return ShellWords.join(List.of(System.getProperty("upcycle.command", "upcycle")));
  }

  /// As `--version` prints it.
  @Override
  public String toString() {
    return "upcycle " + version + " (commit " + commit + ")";
  }
}
