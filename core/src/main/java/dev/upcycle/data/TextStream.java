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

  private final Function<List<Long>, String> decoder;
  private final List<Long> ids = new ArrayList<>();
  private int contextStart;
  private int printed;

  /// @param decoder gives the text of ids, such as [Tokenizer#decode]
  /// @param before tokens that the text follows; none of their text is given out
  public TextStream(Function<List<Long>, String> decoder, List<Long> before) {
    this.decoder = decoder;
    this.ids.addAll(before);
    this.contextStart = Math.max(0, before.size() - 4);
    this.printed = before.size();
  }

  /// The text that this token adds; empty while a character is incomplete.
  public String append(long id) {
    ids.add(id);
    String added = added();
    if (added.isEmpty() || added.charAt(added.length() - 1) == HALF_A_CHARACTER) {
      return "";
    }
    contextStart = printed;
    printed = ids.size();
    return added;
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
    return all.startsWith(known) ? all.substring(known.length()) : "";
  }
}
