package dev.upcycle.data;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/// Text that grows a token at a time: what it gives out, one piece after the other, is the text of
/// all tokens.
///
/// A token may hold part of a character, and many tokenizers drop a blank that begins a text. So a
/// piece is the difference between two texts of the last few tokens, and it is held back while it
/// ends in half a character. One thread.
public final class TextStream {
  private static final char HALF_A_CHARACTER = '\uFFFD';

  /// Most bytes of a character in UTF-8, and so most tokens that hold nothing but a part of one.
  private static final int LONGEST_CHARACTER = 4;

  private final Function<List<Long>, String> decoder;
  private final List<Long> ids = new ArrayList<>();
  private int contextStart;
  private int printed;

  /// @param decoder gives the text of ids, such as [Tokenizer#decode]
  /// @param before tokens that the text follows; none of their text is given out
  public TextStream(Function<List<Long>, String> decoder, List<Long> before) {
    this.decoder = decoder;
    this.ids.addAll(before);
    this.contextStart = contextStart(before);
    this.printed = before.size();
  }

  /// The text that this token adds; empty while a character is incomplete.
  public String append(long id) {
    ids.add(id);
    String added = added();
    String broken = "";
    if (beginsNoCharacter(added)) {
      broken = skip();
      added = added();
    }
    if (added.isEmpty() || added.charAt(added.length() - 1) == HALF_A_CHARACTER) {
      return broken;
    }
    contextStart = printed;
    printed = ids.size();
    return broken + added;
  }

  // One that begins in the middle of a character would spoil the bytes that follow: byte-fallback
  // decoders read a run of bytes as a whole or not at all.
  private int contextStart(List<Long> before) {
    int start = Math.max(0, before.size() - LONGEST_CHARACTER);
    int least = Math.max(0, start - LONGEST_CHARACTER + 1);
    int best = start;
    for (int from = start; from >= least && broken(best) > 0; from--) {
      best = broken(from) < broken(best) ? from : best;
    }
    return best;
  }

  private long broken(int from) {
    return decoder
        .apply(ids.subList(from, ids.size()))
        .chars()
        .filter(character -> character == HALF_A_CHARACTER)
        .count();
  }

  private boolean beginsNoCharacter(String added) {
    return ids.size() - printed >= LONGEST_CHARACTER
        && !added.isEmpty()
        && added.chars().allMatch(character -> character == HALF_A_CHARACTER);
  }

  private String skip() {
    String broken = decoder.apply(ids.subList(printed, printed + 1));
    printed++;
    contextStart = printed;
    return broken;
  }

  /// The text that was held back, when no token follows.
  public String rest() {
    String added = added();
    printed = ids.size();
    return added;
  }

  private String added() {
    String known = decoder.apply(ids.subList(contextStart, printed));
    String all = decoder.apply(ids.subList(contextStart, ids.size()));
    return all.startsWith(known)
        ? all.substring(known.length())
        : decoder.apply(ids.subList(printed, ids.size()));
  }
}
