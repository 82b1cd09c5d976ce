package dev.upcycle.train;

import java.util.Locale;

/// What a run that goes on may find changed.
public enum RunChange {
  RECIPE,
  MODEL,
  DATA;

  /// As users write it.
  public String word() {
    return name().toLowerCase(Locale.ROOT);
  }
}
