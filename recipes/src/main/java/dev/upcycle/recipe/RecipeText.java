package dev.upcycle.recipe;

/// A recipe as text, and where it came from.
///
/// @param source a file's path or a shipped recipe's name, for messages
/// @param yaml the text
public record RecipeText(String source, String yaml) {}
