package dev.upcycle.recipe;

import java.util.Optional;

/// Everything that a recipe file says, with defaults filled in: what goes in, what comes out, how
/// experts and routers are made.
///
/// @param name what the recipe calls itself
/// @param source which dense models go in
/// @param target the model type that loads the result, such as `mixtral`, or `auto`
/// @param seed root of every seed of the conversion
/// @param language how the language model's feed-forward networks become experts; empty stays dense
/// @param output how the result is stored
public record Recipe(
    String name,
    Source source,
    String target,
    long seed,
    Optional<Component> language,
    Output output) {}
