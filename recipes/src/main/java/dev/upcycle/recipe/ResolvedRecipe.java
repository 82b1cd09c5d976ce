package dev.upcycle.recipe;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Collection;
import java.util.Collections;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.Set;

/// A recipe after every layer of precedence, with who said what.
///
/// @param recipe the values
/// @param origins by leaf key path, in the order of the flat file
/// @param yaml the flat file: every key, its value, no `extends`; reading it again gives an equal
///   recipe
public record ResolvedRecipe(Recipe recipe, SequencedMap<String, Origin> origins, String yaml) {
  /// Takes a copy that keeps the order.
  public ResolvedRecipe {
    origins = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(origins));
  }

  /// The flat file with the origin of each value as a comment behind it, in one column.
  public String yamlWithOrigins() {
    List<String> lines = yaml.lines().toList();
    int widest = lines.stream().filter(l -> !opensMap(l)).mapToInt(String::length).max().orElse(0);
    int column = Math.min(widest, WIDEST_ALIGNED) + 2;
    Iterator<Origin> next = origins.values().iterator();
    StringBuilder out = new StringBuilder();
    for (String line : lines) {
      out.append(line);
      if (!opensMap(line)) {
        out.repeat(' ', Math.max(2, column - line.length()));
        out.append("# ").append(next.next().label());
      }
      out.append('\n');
    }
    return out.toString();
  }

  private static final int WIDEST_ALIGNED = 60;

  /// The text of each value by leaf key path, in the order of the flat file.
  public SequencedMap<String, String> values() {
    SequencedMap<String, String> values = new LinkedHashMap<>();
    Iterator<String> paths = origins.keySet().iterator();
    yaml.lines()
        .filter(line -> !opensMap(line))
        .forEach(line -> values.put(paths.next(), value(line)));
    return values;
  }

  /// What stands behind the key, which is in quotes where it holds a colon.
  private static String value(String line) {
    String entry = line.strip();
    entry = entry.startsWith("- ") ? entry.substring(2) : entry;
    int key = entry.startsWith("\"") ? endOfQuotes(entry) : 0;
    return entry.substring(entry.indexOf(':', key) + 1).strip();
  }

  private static int endOfQuotes(String text) {
    int at = 1;
    while (text.charAt(at) != '"') {
      at += text.charAt(at) == '\\' ? 2 : 1;
    }
    return at;
  }

  private static boolean opensMap(String line) {
    return line.endsWith(":");
  }

  /// The recipe of a conversion that makes experts of these parts only, and trains nothing.
  public ResolvedRecipe of(Collection<Part> parts) {
    Set<String> dropped = new HashSet<>(Set.of("train"));
    recipe.components().keySet().stream()
        .filter(part -> !parts.contains(part))
        .map(Part::key)
        .forEach(dropped::add);
    StringBuilder kept = new StringBuilder();
    boolean drops = false;
    for (String line : yaml.lines().toList()) {
      boolean top = !line.isBlank() && !Character.isWhitespace(line.charAt(0));
      drops = top ? dropped.contains(line.substring(0, line.indexOf(':'))) : drops;
      kept.append(drops ? "" : line + "\n");
    }
    return Recipes.resolve(new RecipeText(recipe.name(), kept.toString()), List.of(), Map.of());
  }

  /// SHA-256 of [#yaml()], lower-case hexadecimal.
  public String sha256() {
    try {
      byte[] digest = MessageDigest.getInstance("SHA-256").digest(yaml.getBytes(UTF_8));
      return HexFormat.of().formatHex(digest);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }
}
