package dev.upcycle.route;

/// An expert that a token uses.
///
/// @param expert index within its layer
/// @param weight what its output is multiplied by
public record Choice(int expert, double weight) {}
