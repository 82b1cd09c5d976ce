package dev.upcycle.evaluate;

import dev.upcycle.kernels.tensor.Gradients;
import dev.upcycle.kernels.tensor.TensorScope;
import dev.upcycle.model.LlavaModel;
import java.util.List;
import java.util.Optional;

/// Lets two LLaVAs predict the same answers of conversations, one after the other; one thread.
///
/// Each reads a conversation as its own tokenizer cuts it and its own preprocessing prepares the
/// image: what both must share is the places.
public final class SampleComparer {
  private final LlavaModel firstModel;
  private final LlavaModel secondModel;
  private final SampleReading first;
  private final SampleReading second;
  private final PairedTally pairs = new PairedTally();

  /// @param context most tokens of a sample that the decoders see, images included
  public SampleComparer(LlavaModel first, LlavaModel second, int context) {
    this.firstModel = first;
    this.secondModel = second;
    this.first = new SampleReading(first, context);
    this.second = new SampleReading(second, context);
  }

  /// Reads one conversation.
  ///
  /// @param ours as the first model reads it
  /// @param theirs as the second does; without a [#difference]
  /// @throws dev.upcycle.model.NonFiniteException when a prediction is NaN or infinite
  public void add(LabelledSample ours, LabelledSample theirs) {
    difference(ours, theirs)
        .ifPresent(reason -> {
          throw new IllegalArgumentException(reason);
        });
    try (Gradients.Pause _ = Gradients.pause();
        TensorScope _ = TensorScope.open()) {
      SampleReading.Passage our = first.read(ours);
      SampleReading.Passage their = second.read(theirs);
      long ourLikeliest = 0;
      long theirLikeliest = 0;
      for (int part = 0; part < our.parts(); part++) {
        try (TensorScope _ = TensorScope.open()) {
          SampleReading.Scores ourScores = first.score(our, part);
          SampleReading.Scores theirScores = second.score(their, part);
          pairs.add(ourScores.losses(), theirScores.losses());
          ourLikeliest += ourScores.likeliest();
          theirLikeliest += theirScores.likeliest();
        }
      }
      first.count(our, ourLikeliest);
      second.count(their, theirLikeliest);
    }
  }

  /// Why a conversation cannot be compared token by token, as the two models read it; empty where
  /// it can. The ids that keep places free for images may differ.
  public Optional<String> difference(LabelledSample ours, LabelledSample theirs) {
    long ourPlaces = places(ours, firstModel);
    long theirPlaces = places(theirs, secondModel);
    if (ourPlaces != theirPlaces) {
      return Optional.of(
          "its images take %d places there and %d here".formatted(theirPlaces, ourPlaces));
    }
    int shorter = Math.min(ours.ids().size(), theirs.ids().size());
    for (int token = 0; token < shorter; token++) {
      if (!same(ours.ids().get(token), theirs.ids().get(token))) {
        return Optional.of(
            "token %d is %s there and %s here"
                .formatted(
                    token,
                    told(theirs.ids().get(token), secondModel),
                    told(ours.ids().get(token), firstModel)));
      }
      if (!learned(ours.labels(), token).equals(learned(theirs.labels(), token))) {
        return Optional.of("token %d is learned by one of them alone".formatted(token));
      }
    }
    return ours.ids().size() == theirs.ids().size()
        ? Optional.empty()
        : Optional.of(
            "it has %d tokens there and %d here".formatted(theirs.ids().size(), ours.ids().size()));
  }

  private static long places(LabelledSample sample, LlavaModel model) {
    return sample.ids().stream().filter(id -> id == model.imageToken()).count();
  }

  private boolean same(long ours, long theirs) {
    boolean image = ours == firstModel.imageToken();
    return image == (theirs == secondModel.imageToken()) && (image || ours == theirs);
  }

  private static Boolean learned(List<Long> labels, int token) {
    return labels.get(token) >= 0;
  }

  private static String told(long id, LlavaModel model) {
    return id == model.imageToken() ? "a place of the image" : "id " + id;
  }

  /// What came of all conversations so far.
  public Comparison<SampleEvaluation> comparison() {
    return pairs.comparison(first.evaluation(), second.evaluation());
  }
}
