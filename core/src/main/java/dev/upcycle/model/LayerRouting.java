package dev.upcycle.model;

import dev.upcycle.kernels.moe.Routing;

/// What one layer's router decided.
///
/// @param layer index of the layer in the model
/// @param routing of the `tokens` in the order batch by batch
public record LayerRouting(int layer, Routing routing) {}
