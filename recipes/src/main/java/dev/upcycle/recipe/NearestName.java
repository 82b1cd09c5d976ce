package dev.upcycle.recipe;

import java.util.Collection;
import java.util.Comparator;
import java.util.Locale;
import java.util.Optional;

/// Guesses which known name a misspelt one meant.
final class NearestName {
  private static final int LONGEST = 200;

  private NearestName() {}

  /// The known name that needs the fewest edits, if they are few for its length; else the longest
  /// known name whose letters all occur in the given one in order, as `bf16` in `bfloat16`.
  static Optional<String> of(String given, Collection<String> known) {
    if (given.length() > LONGEST) {
      return Optional.empty();
    }
    String lower = given.toLowerCase(Locale.ROOT);
    Optional<String> near =
        known.stream()
            .filter(name -> Math.abs(lower.length() - name.length()) <= allowed(name))
            .filter(name -> edits(lower, name.toLowerCase(Locale.ROOT)) <= allowed(name))
            .min(
                Comparator.comparingInt(
                    (String name) -> edits(lower, name.toLowerCase(Locale.ROOT))));
    return near.or(() ->
        known.stream()
            .filter(name -> name.length() >= 3 && isAbbreviation(name, lower))
            .max(Comparator.comparingInt(String::length)));
  }

  /// `; did you mean experts?`, or nothing.
  static String hint(String given, Collection<String> known) {
    return of(given, known).map(name -> "; did you mean " + name + "?").orElse("");
  }

  private static int allowed(String name) {
    return name.length() < 3 ? 0 : Math.max(1, name.length() / 3);
  }

  private static boolean isAbbreviation(String name, String given) {
    if (given.isEmpty() || given.charAt(0) != name.charAt(0)) {
      return false;
    }
    int matched = 0;
    for (int i = 0; i < given.length() && matched < name.length(); i++) {
      if (given.charAt(i) == name.charAt(matched)) {
        matched++;
      }
    }
    return matched == name.length();
  }

  /// Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment).
  static int edits(String a, String b) {
    int[][] cost = new int[a.length() + 1][b.length() + 1];
    for (int i = 0; i <= a.length(); i++) {
      for (int j = 0; j <= b.length(); j++) {
        if (i == 0 || j == 0) {
          cost[i][j] = i + j;
          continue;
        }
        boolean same = a.charAt(i - 1) == b.charAt(j - 1);
        int oneSided = Math.min(cost[i - 1][j], cost[i][j - 1]) + 1;
        cost[i][j] = Math.min(oneSided, cost[i - 1][j - 1] + (same ? 0 : 1));
        boolean swapped =
            i > 1
                && j > 1
                && a.charAt(i - 1) == b.charAt(j - 2)
                && a.charAt(i - 2) == b.charAt(j - 1);
        if (swapped) {
          cost[i][j] = Math.min(cost[i][j], cost[i - 2][j - 2] + 1);
        }
      }
    }
    return cost[a.length()][b.length()];
  }
}
