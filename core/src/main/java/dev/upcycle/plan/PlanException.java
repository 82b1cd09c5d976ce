package dev.upcycle.plan;

import java.util.List;

/// This source cannot become what the recipe asks for; carries every reason at once.
public final class PlanException extends RuntimeException {
  private static final long serialVersionUID = 1;

  private final transient List<String> reasons;

  public PlanException(List<String> reasons) {
    super(String.join("\n", reasons));
    this.reasons = List.copyOf(reasons);
  }

  /// What stands in the way, each with the way out.
  public List<String> reasons() {
    return reasons;
  }
}
