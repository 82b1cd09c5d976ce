package dev.upcycle.verify;

import dev.upcycle.convert.Progress;
import java.nio.file.Path;
import java.util.Optional;

/// Holds a target against an expectation of its own: the target's config, the templates' roles and
/// the manifest, never the planner.
public final class Verifier {
  private Verifier() {}

  /// What is expected of the weights.
  public enum Expectation {
    /// As converted: every copied tensor equals its source.
    CONVERTED,
    /// Trained since: only tensors that the run kept frozen equal their source.
    TRAINED
  }

  /// Verifies a target directory, against its source when one is given.
  public static VerifyReport verify(
      Optional<Path> source, Path target, Expectation expectation, Progress progress) {
    throw new UnsupportedOperationException();
  }
}
