package dev.upcycle.calibrate;

/// One layer's router, and what it will do.
///
/// @param rows `[experts, hidden]`
/// @param report about it
public record LayerRouter(RouterRows rows, LayerReport report) {}
