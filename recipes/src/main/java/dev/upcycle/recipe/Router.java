package dev.upcycle.recipe;

/// How tokens find their experts: the top-k of a softmax over all experts, renormalised.
///
/// @param init where the router's weights come from
public record Router(RouterInit init) {}
