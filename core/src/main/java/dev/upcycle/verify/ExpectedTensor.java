package dev.upcycle.verify;

import dev.upcycle.arch.Role;
import dev.upcycle.checkpoint.Shape;
import java.util.Optional;

/// A tensor that the target must hold.
///
/// @param name its name
/// @param role what it does
/// @param shape its dimensions
/// @param source the dense tensor that it must come from; empty for a router
record ExpectedTensor(String name, Role role, Shape shape, Optional<String> source) {
  /// How a manifest calls the way in which such a tensor comes to be.
  String kind() {
    return switch (role) {
      case ROUTER -> "new_router";
      case EXPERT_GATE, EXPERT_UP, EXPERT_DOWN -> "copy_to_expert";
      case EMBEDDING,
          INPUT_NORM,
          ATTENTION_QUERY,
          ATTENTION_KEY,
          ATTENTION_VALUE,
          ATTENTION_OUTPUT,
          ATTENTION_BIAS,
          QUERY_NORM,
          KEY_NORM,
          POST_ATTENTION_NORM,
          FFN_GATE,
          FFN_UP,
          FFN_DOWN,
          FFN_BIAS,
          STACKED_GATE_UP,
          STACKED_DOWN,
          SHARED_GATE,
          SHARED_UP,
          SHARED_DOWN,
          SHARED_ROUTER,
          FINAL_NORM,
          LM_HEAD,
          DERIVED ->
          "pass_through";
    };
  }

  /// True for a matrix of an expert.
  boolean ofExpert() {
    return role == Role.EXPERT_GATE || role == Role.EXPERT_UP || role == Role.EXPERT_DOWN;
  }
}
