package dev.upcycle.recipe;

/// Who wrote a piece of YAML: it turns a line and a column into a [Place].
sealed interface Speaker {
  Place at(int line, int column);

  /// A recipe file.
  record RecipeFile(String source) implements Speaker {
    @Override
    public Place at(int line, int column) {
      return new Place(new Origin(Origin.Kind.RECIPE, source + ":" + line), source, line, column);
    }
  }

  /// A flag, a `--set` or a variable: one line, so it is shown whole instead of a position.
  record OneLine(Origin origin, String shown) implements Speaker {
    @Override
    public Place at(int line, int column) {
      return new Place(origin, shown, 0, 0);
    }
  }
}
