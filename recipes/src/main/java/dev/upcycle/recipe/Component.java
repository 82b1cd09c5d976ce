package dev.upcycle.recipe;

/// One part of a model that becomes Mixture-of-Experts.
///
/// @param layers which layers
/// @param experts how many experts, and where their weights come from
/// @param router how tokens find them
public record Component(LayerSelection layers, Experts experts, Router router) {}
