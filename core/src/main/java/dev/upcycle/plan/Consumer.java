package dev.upcycle.plan;

/// A program that runs models, and whether it loads a target.
///
/// @param name the program, with the version that was looked at where it matters
/// @param loads whether it loads the target and computes what it means
/// @param basis how that is known
/// @param reason why not, or what differs; for a plain yes, by what it loads
public record Consumer(String name, Loads loads, Basis basis, String reason) {
  /// Whether a target is loaded.
  public enum Loads {
    YES,
    WITH_LIMITS,
    NO
  }

  /// How something is known.
  public enum Basis {
    /// It was run, see `docs/interop.md`.
    RUN,
    /// Its source was read, by its rules for names and keys; it was not run.
    READ
  }
}
