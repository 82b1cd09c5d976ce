package dev.upcycle.data;

import java.nio.file.Path;

/// A program that tokenizes a million characters and tells how many tokens they are.
final class LongTextProbe {
  static final int CHARACTERS = 1_000_000;

  private LongTextProbe() {}

  public static void main(String[] arguments) {
    try (Tokenizer tokenizer = Tokenizer.require(Path.of(arguments[0]))) {
      System.out.println(tokenizer.ids("a".repeat(CHARACTERS)).length + " tokens");
    }
  }
}
