package dev.upcycle.data;

import dev.upcycle.image.ImageTensor;
import java.util.Optional;

/// One sequence as a model learns it.
///
/// The arrays are its own; nobody writes to them.
public final class Sample {
  private final long row;
  private final Tokens tokens;
  private final Picture picture;
  private final int uncut;

  /// @param row where it comes from; of packed rows, which sequence it is
  /// @param uncut how many tokens it had before its end was cut off
  Sample(long row, Tokens tokens, Picture picture, int uncut) {
    this.row = row;
    this.tokens = tokens;
    this.picture = picture;
    this.uncut = uncut;
  }

  /// An image and the places that a text keeps free for it.
  ///
  /// @param pixels prepared; empty where there is no image
  /// @param places of its features, the first ones, that the sequence holds; fewer than it has
  ///   where the sequence was cut
  record Picture(Optional<ImageTensor> pixels, int places) {
    static final Picture NONE = new Picture(Optional.empty(), 0);
  }

  /// Where it comes from; of packed rows, which sequence it is.
  public long row() {
    return row;
  }

  /// Ids, labels and documents.
  public Tokens tokens() {
    return tokens;
  }

  /// Its image.
  Picture picture() {
    return picture;
  }

  /// How many tokens it had before its end was cut off.
  int uncut() {
    return uncut;
  }

  /// How many tokens it has.
  public int length() {
    return tokens.length();
  }
}
