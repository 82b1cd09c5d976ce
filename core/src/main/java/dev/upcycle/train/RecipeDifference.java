package dev.upcycle.train;

import dev.upcycle.recipe.RecipeException;
import dev.upcycle.recipe.RecipeText;
import dev.upcycle.recipe.Recipes;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.SequencedSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// What differs between the flat files of two recipes, by key path.
final class RecipeDifference {
  private static final Pattern STAGE = Pattern.compile("train\\.stages\\.[0-9]+\\.");

  private RecipeDifference() {}

  /// Every key whose value differs, one sentence each.
  static List<String> between(String before, String now) {
    if (before.equals(now)) {
      return List.of();
    }
    SequencedMap<String, String> old;
    try {
      old = values(before);
    } catch (RecipeException e) {
      return List.of("recipe: that of the run is none that this version reads: " + e.getMessage());
    }
    SequencedMap<String, String> given = values(now);
    SequencedSet<String> keys = new LinkedHashSet<>(old.keySet());
    keys.addAll(given.keySet());
    List<String> changes = new ArrayList<>();
    for (String key : keys) {
      String was = old.getOrDefault(key, "absent");
      String is = given.getOrDefault(key, "absent");
      if (!was.equals(is)) {
        changes.add("recipe: %s%s was %s, is %s".formatted(key, stage(key, old, given), was, is));
      }
    }
    return changes;
  }

  private static SequencedMap<String, String> values(String flat) {
    return Recipes.resolve(new RecipeText("run.json", flat), List.of(), Map.of()).values();
  }

  private static String stage(String key, Map<String, String> old, Map<String, String> given) {
    Matcher matcher = STAGE.matcher(key);
    if (!matcher.lookingAt()) {
      return "";
    }
    String name = matcher.group() + "name";
    return Optional.ofNullable(old.getOrDefault(name, given.get(name)))
        .map(" of stage %s"::formatted)
        .orElse("");
  }
}
