package dev.upcycle.checkpoint;

import java.util.Optional;
import tools.jackson.databind.node.ObjectNode;

/// Rotary position embedding as a config states it.
///
/// @param theta base frequency
/// @param type `default`, `linear`, `dynamic`, `yarn`, `longrope` or `llama3`
/// @param scaling the remaining parameters (`factor`, …); empty for `default`
public record RopeSettings(double theta, String type, Optional<ObjectNode> scaling) {}
