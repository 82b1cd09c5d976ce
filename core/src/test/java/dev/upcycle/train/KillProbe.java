package dev.upcycle.train;

import java.nio.file.Path;

/// A process that trains and can be killed.
final class KillProbe {
  private KillProbe() {}

  /// Trains, or goes on.
  ///
  /// @param arguments the folder, the name of the run, the recipe
  public static void main(String[] arguments) {
    Path folder = Path.of(arguments[0]);
    TrainRun.run(
        new Runs(folder).request(arguments[2]),
        folder.resolve(arguments[1]),
        TrainRun.Mode.RESUME,
        TrainListener.SILENT);
  }
}
