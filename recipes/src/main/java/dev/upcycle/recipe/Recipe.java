package dev.upcycle.recipe;

import java.util.Map;
import java.util.Optional;

/// Everything that a recipe file says, with defaults filled in: what goes in, what comes out, how
/// experts and routers are made.
///
/// @param name what the recipe calls itself
/// @param source which dense models go in
/// @param target the model type that loads the result, such as `mixtral`, or `auto`
/// @param seed root of every seed of the conversion
/// @param components how each part's feed-forward networks become experts; an absent one stays
///   dense
/// @param training how the result is trained; empty is not at all
/// @param output how the result is stored
public record Recipe(
    String name,
    Source source,
    String target,
    long seed,
    Map<Part, Component> components,
    Optional<Training> training,
    Output output) {
  /// Takes a copy.
  public Recipe {
    components = Map.copyOf(components);
  }

  /// How a part's feed-forward networks become experts; empty stays dense.
  public Optional<Component> component(Part part) {
    return Optional.ofNullable(components.get(part));
  }

  /// How the language model's feed-forward networks become experts; empty stays dense.
  public Optional<Component> language() {
    return component(Part.LANGUAGE);
  }
}
