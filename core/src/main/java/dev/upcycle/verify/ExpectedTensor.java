package dev.upcycle.verify;

import dev.upcycle.arch.Role;
import dev.upcycle.checkpoint.Shape;
import dev.upcycle.recipe.Part;
import java.util.Optional;

/// A tensor that the target must hold.
///
/// @param name its name
/// @param role what it does
/// @param shape its dimensions
/// @param source the dense tensor that it must come from; empty for a router
/// @param part which part of the model it belongs to; empty for what stands beside the parts
/// @param unchanged whether its part was a mixture before and stays what it was
record ExpectedTensor(
    String name,
    Role role,
    Shape shape,
    Optional<String> source,
    Optional<Part> part,
    boolean unchanged) {
  /// How a manifest calls the way in which such a tensor comes to be.
  String kind() {
    if (unchanged) {
      return "pass_through";
    }
    return switch (role.kind()) {
      case ROUTER -> "new_router";
      case EXPERT -> "copy_to_expert";
      case BODY, DENSE, SHARED, STACKED, DERIVED -> "pass_through";
    };
  }

  /// True for a tensor of an expert.
  boolean ofExpert() {
    return !unchanged && role.kind() == Role.Kind.EXPERT;
  }

  /// True for a router that the conversion made.
  boolean newRouter() {
    return !unchanged && role.kind() == Role.Kind.ROUTER;
  }
}
