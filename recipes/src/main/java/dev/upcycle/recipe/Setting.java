package dev.upcycle.recipe;

/// A value given outside the recipe file; it replaces the whole value at its path.
///
/// @param origin who gave it
/// @param keyPath such as `language.experts.count`
/// @param yaml the value as YAML text, such as `{kind: normal, std: 0.5}`
public record Setting(Origin origin, String keyPath, String yaml) {}
