package dev.upcycle.calibrate;

import dev.upcycle.data.Tokenizer;
import java.util.ArrayList;
import java.util.List;

/// Turns the texts of experts into passages of a model's tokens.
///
/// @param tokenizer of the model
/// @param vocab size of the model's vocabulary
/// @param context most tokens of a passage
public record PassageReader(Tokenizer tokenizer, long vocab, int context) {
  /// Refuses a context without tokens.
  public PassageReader {
    if (context < 1) {
      throw new IllegalArgumentException(context + " tokens; expected at least 1");
    }
  }

  /// The passages of all experts, in their order.
  ///
  /// @throws CalibrationException when a text has no tokens, or one outside the vocabulary
  public List<Passage> read(List<ExpertPrompts> experts) {
    List<Passage> passages = new ArrayList<>();
    for (int expert = 0; expert < experts.size(); expert++) {
      ExpertPrompts prompts = experts.get(expert);
      for (String text : prompts.positive()) {
        passages.addAll(cut(prompts.name(), text, expert, Passage.Stance.FOR));
      }
      for (String text : prompts.negative()) {
        passages.addAll(cut(prompts.name(), text, expert, Passage.Stance.AGAINST));
      }
    }
    return passages;
  }

  private List<Passage> cut(String name, String text, int expert, Passage.Stance stance) {
    List<Long> ids = tokenizer.encode(text);
    if (ids.isEmpty()) {
      throw new CalibrationException(name + ": a text has no tokens");
    }
    long largest = ids.stream().mapToLong(Long::longValue).max().orElse(0);
    if (largest >= vocab) {
      throw new CalibrationException(
          "%s: the %s gives token %d, the model's vocabulary has %d"
              .formatted(name, Tokenizer.FILE_NAME, largest, vocab));
    }
    return Passage.cut(expert, stance, ids, context);
  }
}
