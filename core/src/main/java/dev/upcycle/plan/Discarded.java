package dev.upcycle.plan;

/// A source tensor that the target does not hold.
///
/// @param name the source tensor
/// @param reason why it can go, such as `derived from the config`
public record Discarded(String name, String reason) {}
