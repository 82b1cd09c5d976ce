package dev.upcycle.recipe;

import java.util.List;
import java.util.stream.Collectors;

/// A recipe is invalid; carries every complaint at once.
public final class RecipeException extends RuntimeException {
  private static final long serialVersionUID = 1;

  private final transient List<Complaint> complaints;

  public RecipeException(List<Complaint> complaints) {
    super(complaints.stream().map(Complaint::toString).collect(Collectors.joining("\n")));
    this.complaints = List.copyOf(complaints);
  }

  /// What is wrong, in the order of the file.
  public List<Complaint> complaints() {
    return complaints;
  }
}
