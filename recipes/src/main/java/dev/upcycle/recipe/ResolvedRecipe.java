package dev.upcycle.recipe;

import java.util.SequencedMap;

/// A recipe after every layer of precedence, with who said what.
///
/// @param recipe the values
/// @param origins by leaf key path, in the order of the flat file
/// @param yaml the flat file: every key, its value, no `extends`; reading it again gives an equal
///   recipe
public record ResolvedRecipe(Recipe recipe, SequencedMap<String, Origin> origins, String yaml) {
  /// The flat file with the origin of each value as a comment behind it.
  public String yamlWithOrigins() {
    throw new UnsupportedOperationException();
  }

  /// SHA-256 of [#yaml()], lower-case hexadecimal.
  public String sha256() {
    throw new UnsupportedOperationException();
  }
}
