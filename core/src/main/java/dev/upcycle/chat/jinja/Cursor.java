package dev.upcycle.chat.jinja;

import java.util.Arrays;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/// A place that moves through a template's text. One thread.
final class Cursor {
  private final String name;
  private final String source;
  private final int[] lineStarts;
  private int offset;
  private int knownPlace;
  private int knownColumn = 1;

  /// @param name the template's name, for messages
  Cursor(String name, String source) {
    this.name = name;
    this.source = source;
    this.lineStarts =
        IntStream.concat(
                IntStream.of(0),
                IntStream.range(0, source.length())
                    .filter(i -> source.charAt(i) == '\n')
                    .map(i -> i + 1))
            .toArray();
  }

  boolean atEnd() {
    return offset >= source.length();
  }

  int offset() {
    return offset;
  }

  void moveTo(int place) {
    offset = place;
  }

  String text(int from, int to) {
    return source.substring(from, to);
  }

  int length() {
    return source.length();
  }

  /// The code point here.
  String character() {
    return Character.toString(source.codePointAt(offset));
  }

  boolean startsWith(String text) {
    return source.startsWith(text, offset);
  }

  /// A matcher of the text from here on; the cursor stays.
  Matcher match(Pattern pattern) {
    return pattern.matcher(source).region(offset, source.length()).useTransparentBounds(true);
  }

  Position position() {
    return position(offset);
  }

  // Counted on from the place asked for last: a template may be one long line.
  Position position(int place) {
    int line = Arrays.binarySearch(lineStarts, place);
    line = line < 0 ? -line - 2 : line;
    boolean goesOn = knownPlace >= lineStarts[line] && knownPlace <= place;
    int from = goesOn ? knownPlace : lineStarts[line];
    int column = (goesOn ? knownColumn : 1) + source.codePointCount(from, place);
    knownPlace = place;
    knownColumn = column;
    return new Position(line + 1, column);
  }

  TemplateException refuse(int place, String message) {
    return new TemplateException(name, position(place), message);
  }
}
