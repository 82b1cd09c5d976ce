package dev.upcycle.cli.terminal;

import java.util.HexFormat;

/// Text from files and arguments, made fit for a terminal.
public final class Printable {
  private Printable() {}

  /// The text with every control character but line feed and tab spelled out in hexadecimal, so
  /// that no tensor name and no generated text can steer the terminal.
  public static String of(String text) {
    if (text.codePoints().noneMatch(Printable::steers)) {
      return text;
    }
    StringBuilder printable = new StringBuilder();
    text.codePoints()
        .forEach(point -> {
          if (steers(point)) {
            printable.append("\\u").append(HexFormat.of().toHexDigits((char) point));
          } else {
            printable.appendCodePoint(point);
          }
        });
    return printable.toString();
  }

  private static boolean steers(int point) {
    return Character.getType(point) == Character.CONTROL && point != '\n' && point != '\t';
  }
}
