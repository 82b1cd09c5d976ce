package dev.upcycle.chat.jinja;

/// What values do, all counting against one budget. One thread.
///
/// @param budget what may be used up
/// @param sequences going through values
/// @param texts writing values
/// @param comparisons equality and order
/// @param arithmetic operators
/// @param methods the methods of text
/// @param attributes attributes and items
/// @param checks the tests
record Semantics(
    Budget budget,
    Sequences sequences,
    PythonText texts,
    Comparisons comparisons,
    Arithmetic arithmetic,
    TextMethods methods,
    Attributes attributes,
    Checks checks) {
  static Semantics of(Budget budget) {
    Sequences sequences = new Sequences(budget);
    PythonText texts = new PythonText(budget);
    Comparisons comparisons = new Comparisons(budget, sequences);
    TextMethods methods = new TextMethods(budget, sequences);
    return new Semantics(
        budget,
        sequences,
        texts,
        comparisons,
        new Arithmetic(budget),
        methods,
        new Attributes(sequences, methods, comparisons),
        new Checks(comparisons, texts));
  }
}
