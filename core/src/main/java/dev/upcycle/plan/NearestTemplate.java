package dev.upcycle.plan;

import dev.upcycle.arch.Composition;
import java.util.Comparator;

/// The template that a stray name resembles most.
final class NearestTemplate {
  private NearestTemplate() {}

  static String of(String name, Composition composition) {
    String pattern =
        name.replaceFirst("\\.\\d+\\.", ".[layer].").replaceAll("\\.\\d+\\.", ".[expert].");
    return composition.parts().stream()
        .flatMap(part ->
            part.family().templates().stream()
                .map(template -> part.naming().outer(template.pattern())))
        .min(Comparator.comparingInt(known -> distance(pattern, known)))
        .orElseThrow();
  }

  /// Levenshtein's distance.
  private static int distance(String a, String b) {
    int[] above = new int[b.length() + 1];
    for (int j = 0; j <= b.length(); j++) {
      above[j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      int[] row = new int[b.length() + 1];
      row[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int change = above[j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        row[j] = Math.min(change, Math.min(above[j], row[j - 1]) + 1);
      }
      above = row;
    }
    return above[b.length()];
  }
}
