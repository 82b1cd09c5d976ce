package dev.upcycle.data;

import dev.upcycle.chat.LabelledTokens;
import java.util.Arrays;

/// Keeps places free in a text for an image's features.
///
/// @param placeholder the id that a free place has
/// @param features of an image, and so places
public record Splice(long placeholder, int features) {
  /// Refuses an image without features.
  public Splice {
    if (features < 1) {
      throw new IllegalArgumentException(features + " features, expected at least 1");
    }
  }

  /// The tokens with [LabelledTokens#IMAGE] replaced by places, none of which is learned.
  ///
  /// @throws IllegalArgumentException when the text holds the placeholder itself
  Tokens into(Tokens tokens) {
    long[] ids = tokens.ids();
    // CuMo's placeholder is no id of any tokenizer, and is the mark itself.
    boolean word = placeholder != LabelledTokens.IMAGE;
    if (word && Arrays.stream(ids).anyMatch(id -> id == placeholder)) {
      throw new IllegalArgumentException(
          "the text holds token %d, which stands for an image's features".formatted(placeholder));
    }
    int images = (int) Arrays.stream(ids).filter(id -> id == LabelledTokens.IMAGE).count();
    int length = Math.addExact(ids.length, Math.multiplyExact(images, features - 1));
    long[] wideIds = new long[length];
    long[] wideLabels = new long[length];
    int at = 0;
    for (int i = 0; i < ids.length; i++) {
      boolean image = ids[i] == LabelledTokens.IMAGE;
      int end = at + (image ? features : 1);
      Arrays.fill(wideIds, at, end, image ? placeholder : ids[i]);
      Arrays.fill(wideLabels, at, end, image ? LabelledTokens.IGNORED : tokens.label(i));
      at = end;
    }
    return Tokens.ofOne(wideIds, wideLabels);
  }

  /// How many places there are.
  int places(Tokens tokens) {
    return (int) Arrays.stream(tokens.ids()).filter(id -> id == placeholder).count();
  }
}
