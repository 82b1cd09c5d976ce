package dev.upcycle.chat.jinja;

import dev.upcycle.chat.jinja.Token.Kind;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Cuts a template into tokens, white space handled as transformers sets Jinja up: `trim_blocks`
/// and `lstrip_blocks` on, one trailing newline dropped. One thread.
final class Lexer {
  private static final int UNICODE = Pattern.UNICODE_CHARACTER_CLASS;
  private static final String SPACE = "[\\s\\x1c-\\x1f]";
  private static final Pattern OPENING = Pattern.compile("\\{[%{#]");
  private static final Pattern RAW =
      Pattern.compile(
          "\\{%([-+]?)" + SPACE + "*raw" + SPACE + "*(?:-%\\}" + SPACE + "*|%\\})", UNICODE);
  private static final Pattern END_RAW =
      Pattern.compile(
          "\\{%([-+]?)" + SPACE + "*endraw" + SPACE + "*(?:\\+%\\}|-%\\}" + SPACE + "*|%\\}\\n?)",
          UNICODE);
  private static final Pattern END_COMMENT =
      Pattern.compile("\\+#\\}|-#\\}" + SPACE + "*|#\\}\\n?", UNICODE);
  private static final Pattern END_BLOCK =
      Pattern.compile("\\+%\\}|-%\\}" + SPACE + "*|%\\}\\n?", UNICODE);
  private static final Pattern END_PRINT = Pattern.compile("-\\}\\}" + SPACE + "*|\\}\\}", UNICODE);
  private static final Pattern BLANK = Pattern.compile(SPACE + "+", UNICODE);
  private static final Pattern FLOAT =
      Pattern.compile(
          "(?<!\\.)(?:\\d+_)*\\d+(?:(?:\\.(?:\\d+_)*\\d+)?[eE][+-]?(?:\\d+_)*\\d+"
              + "|\\.(?:\\d+_)*\\d+)");
  private static final Pattern INTEGER =
      Pattern.compile(
          "0[bB](?:_?[01])+|0[oO](?:_?[0-7])+|0[xX](?:_?[0-9a-fA-F])+|[1-9](?:_?\\d)*|0(?:_?0)*");
  private static final Pattern NAME = Pattern.compile("[A-Za-z_][A-Za-z_0-9]*");
  private static final Pattern OPERATOR =
      Pattern.compile("//|\\*\\*|==|!=|>=|<=|[-+/*%~\\[\\](){}<>=.:|,]");
  private static final List<Map.Entry<Kind, Pattern>> RULES =
      List.of(
          Map.entry(Kind.FLOAT, FLOAT),
          Map.entry(Kind.INTEGER, INTEGER),
          Map.entry(Kind.NAME, NAME),
          Map.entry(Kind.OPERATOR, OPERATOR));
  private static final Map<String, String> CLOSING = Map.of("(", ")", "[", "]", "{", "}");

  private final Cursor cursor;
  private final List<Token> tokens = new ArrayList<>();
  private boolean lineStarts = true;

  /// @param name the template's name, for messages
  Lexer(String name, String source) {
    this.cursor = new Cursor(name, normalised(source));
  }

  private static String normalised(String source) {
    String text = source.replace("\r\n", "\n").replace('\r', '\n');
    return text.endsWith("\n") ? text.substring(0, text.length() - 1) : text;
  }

  /// The tokens, an [Kind#END] last.
  List<Token> tokens() {
    while (!cursor.atEnd()) {
      int start = cursor.offset();
      Matcher opening = cursor.match(OPENING);
      if (!opening.find()) {
        data(start, cursor.text(start, cursor.length()));
        cursor.moveTo(cursor.length());
        break;
      }
      cursor.moveTo(opening.start());
      construct(start, opening.group());
    }
    tokens.add(new Token(Kind.END, "", cursor.position()));
    return tokens;
  }

  private void construct(int textStart, String opening) {
    Matcher raw = cursor.match(RAW);
    if (raw.lookingAt()) {
      data(textStart, stripped(textStart, raw.group(1), true));
      raw(raw.end());
      return;
    }
    int begin = cursor.offset();
    String sign = sign(begin + 2);
    data(textStart, stripped(textStart, sign, !opening.equals("{{")));
    cursor.moveTo(begin + 2 + sign.length());
    switch (opening) {
      case "{#" -> comment(begin);
      case "{%" -> inside(begin, Kind.BLOCK_BEGIN, Kind.BLOCK_END);
      default -> inside(begin, Kind.PRINT_BEGIN, Kind.PRINT_END);
    }
  }

  private String sign(int place) {
    if (place >= cursor.length()) {
      return "";
    }
    String character = cursor.text(place, place + 1);
    return character.equals("-") || character.equals("+") ? character : "";
  }

  /// The text before a tag that begins at the cursor, without the white space that goes.
  private String stripped(int start, String sign, boolean block) {
    String text = cursor.text(start, cursor.offset());
    if (sign.equals("-")) {
      return PythonText.stripEnd(text);
    }
    if (sign.equals("+") || !block) {
      return text;
    }
    int line = text.lastIndexOf('\n') + 1;
    boolean wholeLine = line > 0 || lineStarts;
    return wholeLine && PythonText.isBlank(text.substring(line)) ? text.substring(0, line) : text;
  }

  private void data(int start, String text) {
    if (!text.isEmpty()) {
      tokens.add(new Token(Kind.DATA, text, cursor.position(start)));
    }
  }

  private void passed(Matcher match) {
    lineStarts = match.group().endsWith("\n");
    cursor.moveTo(match.end());
  }

  private void raw(int bodyStart) {
    int begin = cursor.offset();
    lineStarts = cursor.text(begin, bodyStart).endsWith("\n");
    cursor.moveTo(bodyStart);
    Matcher end = cursor.match(END_RAW);
    if (!end.find()) {
      throw cursor.refuse(begin, "'raw' has no 'endraw'");
    }
    cursor.moveTo(end.start());
    data(bodyStart, stripped(bodyStart, end.group(1), true));
    passed(end);
  }

  private void comment(int begin) {
    Matcher end = cursor.match(END_COMMENT);
    if (!end.find()) {
      throw cursor.refuse(begin, "the comment has no '#}'");
    }
    passed(end);
  }

  private void inside(int begin, Kind opening, Kind closing) {
    tokens.add(new Token(opening, cursor.text(begin, begin + 2), cursor.position(begin)));
    Pattern end = closing == Kind.BLOCK_END ? END_BLOCK : END_PRINT;
    Deque<String> open = new ArrayDeque<>();
    while (!cursor.atEnd()) {
      Matcher ending = cursor.match(end);
      if (open.isEmpty() && ending.lookingAt()) {
        String shown = closing == Kind.BLOCK_END ? "%}" : "}}";
        tokens.add(new Token(closing, shown, cursor.position()));
        passed(ending);
        return;
      }
      token(open);
    }
    throw cursor.refuse(begin, "'%s' is never closed".formatted(cursor.text(begin, begin + 2)));
  }

  private void token(Deque<String> open) {
    int start = cursor.offset();
    Matcher blank = cursor.match(BLANK);
    if (blank.lookingAt()) {
      cursor.moveTo(blank.end());
      return;
    }
    if (cursor.startsWith("'") || cursor.startsWith("\"")) {
      string(start);
      return;
    }
    for (Map.Entry<Kind, Pattern> rule : RULES) {
      Matcher match = cursor.match(rule.getValue());
      if (match.lookingAt()) {
        Token token = new Token(rule.getKey(), match.group(), cursor.position(start));
        balance(token, open);
        tokens.add(token);
        cursor.moveTo(match.end());
        return;
      }
    }
    throw cursor.refuse(start, "unexpected character '%s'".formatted(cursor.character()));
  }

  // By hand: a pattern for it recurses with the length of the string.
  private void string(int start) {
    String quote = cursor.character();
    int end = start + 1;
    while (end < cursor.length() && !cursor.text(end, end + 1).equals(quote)) {
      end += cursor.text(end, end + 1).equals("\\") ? 2 : 1;
    }
    if (end >= cursor.length()) {
      throw cursor.refuse(start, "the string is never closed");
    }
    try {
      String meant = StringEscapes.resolve(cursor.text(start + 1, end));
      tokens.add(new Token(Kind.STRING, meant, cursor.position(start)));
    } catch (Fault fault) {
      throw cursor.refuse(start, String.valueOf(fault.getMessage()));
    }
    cursor.moveTo(end + 1);
  }

  private void balance(Token token, Deque<String> open) {
    if (!token.is(Kind.OPERATOR)) {
      return;
    }
    if (CLOSING.containsKey(token.text())) {
      open.push(CLOSING.getOrDefault(token.text(), ""));
    } else if (CLOSING.containsValue(token.text())
        && !token.text().equals(open.isEmpty() ? "" : open.pop())) {
      throw cursor.refuse(cursor.offset(), "unexpected '%s'".formatted(token.text()));
    }
  }
}
