package dev.upcycle.checkpoint;

import java.util.Optional;
import tools.jackson.databind.node.ObjectNode;

/// Rotary position embedding as a config states it.
///
/// @param theta base frequency
/// @param type `default`, `linear`, `dynamic`, `yarn`, `longrope` or `llama3`
/// @param scaling the remaining parameters (`factor`, …) without theta and type; empty for
///   `default`
public record RopeSettings(double theta, String type, Optional<ObjectNode> scaling) {
  /// Refuses a theta that is not a positive number; keeps a copy of the parameters.
  public RopeSettings {
    if (!(theta > 0) || Double.isInfinite(theta)) {
      throw new IllegalArgumentException("rope theta " + theta + " is not a positive number");
    }
    scaling = scaling.map(ObjectNode::deepCopy);
  }

  /// A copy of the parameters.
  @Override
  public Optional<ObjectNode> scaling() {
    return scaling.map(ObjectNode::deepCopy);
  }
}
