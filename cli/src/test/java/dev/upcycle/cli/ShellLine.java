package dev.upcycle.cli;

import java.util.ArrayList;
import java.util.List;

/// Splits command lines of the documentation as a shell would, quotes included.
final class ShellLine {
  private ShellLine() {}

  static List<String> split(String line) {
    List<String> words = new ArrayList<>();
    StringBuilder word = new StringBuilder();
    boolean open = false;
    char quote = 0;
    for (int i = 0; i < line.length(); i++) {
      char c = line.charAt(i);
      if (quote != 0) {
        if (c == quote) {
          quote = 0;
        } else {
          word.append(c);
        }
      } else if (c == '\'' || c == '"') {
        quote = c;
        open = true;
      } else if (c == ' ') {
        if (open) {
          words.add(word.toString());
          word.setLength(0);
          open = false;
        }
      } else {
        word.append(c);
        open = true;
      }
    }
    if (open) {
      words.add(word.toString());
    }
    return words;
  }

  /// The command lines of `upcycle` in a text: continued lines joined, redirections cut off.
  static List<String> commands(String text) {
    return text.replaceAll("\\\\\\n\\s*", "")
        .lines()
        .map(String::strip)
        .map(line -> line.startsWith("./upcycle ") ? line.substring(2) : line)
        .filter(line -> line.startsWith("upcycle "))
        .map(line -> line.replaceAll("\\s+(>|#|2>).*", ""))
        .toList();
  }
}
