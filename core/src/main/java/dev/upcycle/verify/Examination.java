package dev.upcycle.verify;

/// One question put to a target.
interface Examination {
  /// Records what was looked at and what did not hold; throws only where a file cannot be read.
  void examine(Subject subject, Findings findings);
}
