package dev.upcycle.verify;

import java.util.List;

/// What was checked, and what did not hold.
///
/// @param checks every kind of check that ran, with how much it covered
/// @param failures what did not hold, in state dict order
public record VerifyReport(List<Check> checks, List<Failure> failures) {
  /// Takes copies.
  public VerifyReport {
    checks = List.copyOf(checks);
    failures = List.copyOf(failures);
  }

  /// True when everything held.
  public boolean passed() {
    return failures.isEmpty();
  }

  /// One kind of check.
  ///
  /// @param name such as `expert copies`
  /// @param covered tensors, files or keys that it looked at
  /// @param bytes tensor bytes that it compared; 0 for a structural check
  /// @param failed how many of them did not hold
  public record Check(String name, long covered, long bytes, long failed) {}

  /// Something that did not hold.
  ///
  /// @param check the kind of check
  /// @param tensor the tensor or file
  /// @param message expected, actual, and the first differing byte where bytes were compared
  public record Failure(String check, String tensor, String message) {}
}
