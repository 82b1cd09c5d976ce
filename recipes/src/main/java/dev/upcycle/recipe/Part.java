package dev.upcycle.recipe;

import java.util.Locale;

/// A part of a model that a recipe speaks of.
public enum Part {
  /// The decoder, or the text tower of a model that compares texts with images.
  LANGUAGE,
  /// The image tower.
  VISION,
  /// What stands between an image tower and a decoder.
  CONNECTOR;

  /// Its key in a recipe.
  public String key() {
    return name().toLowerCase(Locale.ROOT);
  }
}
