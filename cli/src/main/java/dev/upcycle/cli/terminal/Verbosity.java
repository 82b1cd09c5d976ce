package dev.upcycle.cli.terminal;

/// How much goes to stderr.
public enum Verbosity {
  /// Errors and warnings only.
  QUIET,
  /// Progress, notes and hints too.
  NORMAL,
  /// Details too.
  VERBOSE
}
