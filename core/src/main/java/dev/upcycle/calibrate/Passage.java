package dev.upcycle.calibrate;

import dev.upcycle.generate.CounterRandom;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/// A piece of text that the model reads by itself, from position 0.
///
/// @param expert whose text it is
/// @param stance whether the expert should take such text or not
/// @param ids at least one token
public record Passage(int expert, Stance stance, List<Long> ids) {
  /// Whether an expert should take a text.
  public enum Stance {
    /// It should.
    FOR,
    /// It should not.
    AGAINST
  }

  /// Takes a copy; refuses a text without tokens.
  public Passage {
    ids = List.copyOf(ids);
    if (ids.isEmpty() || expert < 0) {
      throw new IllegalArgumentException("expert " + expert + ", " + ids.size() + " tokens");
    }
  }

  /// A text as passages of nearly equal length.
  ///
  /// @param context most tokens of a passage
  public static List<Passage> cut(int expert, Stance stance, List<Long> ids, int context) {
    int pieces = Math.ceilDiv(ids.size(), context);
    List<Passage> passages = new ArrayList<>();
    for (int piece = 0; piece < pieces; piece++) {
      int from = (int) ((long) ids.size() * piece / pieces);
      int to = (int) ((long) ids.size() * (piece + 1) / pieces);
      passages.add(new Passage(expert, stance, ids.subList(from, to)));
    }
    return passages;
  }

  /// At most about so many tokens: of every expert's texts a drawn sample, whole passages, in their
  /// order; at least one passage of each stays.
  ///
  /// @param mostTokens of all passages together
  public static List<Passage> sample(List<Passage> passages, long mostTokens, long seed) {
    Map<List<Object>, List<Integer>> groups = new LinkedHashMap<>();
    for (int i = 0; i < passages.size(); i++) {
      Passage passage = passages.get(i);
      groups
          .computeIfAbsent(List.of(passage.expert(), passage.stance()), _ -> new ArrayList<>())
          .add(i);
    }
    TreeSet<Integer> kept = new TreeSet<>();
    long share = Math.max(1, mostTokens / Math.max(1, groups.size()));
    CounterRandom random = new CounterRandom(seed);
    for (List<Integer> group : groups.values()) {
      kept.addAll(within(share, group, passages, random));
    }
    return kept.stream().map(passages::get).toList();
  }

  private static List<Integer> within(
      long tokens, List<Integer> group, List<Passage> passages, CounterRandom random) {
    long all = group.stream().mapToLong(i -> passages.get(i).ids().size()).sum();
    if (all <= tokens) {
      return group;
    }
    List<Integer> chosen = new ArrayList<>();
    long left = tokens;
    for (int i :
        group.stream()
            .sorted(Comparator.<Integer>comparingDouble(at -> random.uniform(at)))
            .toList()) {
      int size = passages.get(i).ids().size();
      if (chosen.isEmpty() || size <= left) {
        chosen.add(i);
        left -= size;
      }
    }
    return chosen;
  }
}
