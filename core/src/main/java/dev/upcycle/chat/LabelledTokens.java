package dev.upcycle.chat;

import java.util.List;

/// Tokens and what a model learns of them.
///
/// @param ids [#IMAGE] stands for an image
/// @param labels the id itself, or [#IGNORED] where nothing is learned; as many as ids
public record LabelledTokens(List<Long> ids, List<Long> labels) {
  /// Stands where the features of an image go.
  public static final long IMAGE = -200;

  /// The label of a token that is not learned.
  public static final long IGNORED = -100;

  /// Takes copies.
  public LabelledTokens {
    ids = List.copyOf(ids);
    labels = List.copyOf(labels);
    if (ids.size() != labels.size()) {
      throw new IllegalArgumentException(
          "%d ids but %d labels".formatted(ids.size(), labels.size()));
    }
  }

  /// How many are learned.
  public long learned() {
    return labels.stream().filter(label -> label != IGNORED).count();
  }
}
