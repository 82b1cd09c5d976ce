package dev.upcycle.chat.jinja;

/// What one rendering may use up. A template is untrusted: without limits ten lines of it can fill
/// any memory. One thread.
final class Budget {
  /// Most evaluated nodes, rounds of loops and compared values.
  static final long STEPS = 5_000_000;

  /// Most characters and list places ever made, output included.
  static final long UNITS = 64L << 20;

  /// Deepest nesting of evaluations, calls of macros included.
  static final int DEPTH = 250;

  /// Longest range, as in Jinja's sandbox.
  static final int RANGE = 100_000;

  /// Largest integer in bits.
  static final int BITS = 4096;

  // A place of a list mostly holds a text of its own, which is an object with an array.
  private static final int UNITS_OF_A_PLACE = 32;

  private static final int CHARACTERS_OF_A_STEP = 256;

  private long steps;
  private long units;
  private int depth;

  /// One evaluation more.
  void step() {
    steps(1);
  }

  /// So many characters are about to be gone through.
  void read(int characters) {
    steps(characters / CHARACTERS_OF_A_STEP);
  }

  private void steps(int count) {
    steps += count;
    if (steps > STEPS) {
      throw new Fault("the template takes more than %,d steps".formatted(STEPS));
    }
  }

  /// So many characters are about to be made.
  void characters(long count) {
    units += count;
    if (count > UNITS || units > UNITS) {
      throw new Fault("the template makes more than %,d characters".formatted(UNITS));
    }
  }

  /// A list of so many places is about to be made.
  void places(long count) {
    characters(Math.multiplyExact(count, UNITS_OF_A_PLACE));
  }

  /// Goes one level deeper; [#leave] comes back.
  void enter() {
    depth++;
    if (depth > DEPTH) {
      throw new Fault("more than %d levels of expressions and macros".formatted(DEPTH));
    }
  }

  void leave() {
    depth--;
  }
}
