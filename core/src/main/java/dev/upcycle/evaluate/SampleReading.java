package dev.upcycle.evaluate;

import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.TensorScope;
import dev.upcycle.model.ForwardPass;
import dev.upcycle.model.HiddenOutput;
import dev.upcycle.model.LayerRouting;
import dev.upcycle.model.LlavaModel;
import dev.upcycle.recipe.Part;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongPredicate;
import java.util.stream.IntStream;

/// One LLaVA's way through conversations: what it predicts, and its tallies; one thread.
final class SampleReading {
  private final LlavaModel model;
  private final int context;
  private final PredictionTally tally;
  private final Loads vision = new Loads(new LoadCounter(), new LoadCounter());
  private final Loads connector = new Loads(new LoadCounter(), new LoadCounter());
  private final Loads language = new Loads(new LoadCounter(), new LoadCounter());
  private SampleEvaluation.Counts counts = new SampleEvaluation.Counts(0, 0, 0, 0, 0, 0, 0);

  /// @param context most tokens of a sample that the decoder sees
  SampleReading(LlavaModel model, int context) {
    this.model = model;
    this.context = context;
    this.tally = new PredictionTally(model.language());
  }

  /// What a part's routers did with images and with texts.
  private record Loads(LoadCounter image, LoadCounter text) {
    void add(List<LayerRouting> routings, LongPredicate isImage) {
      image.add(routings, isImage);
      text.add(routings, isImage.negate());
    }

    List<ModalLoad> of(Part part) {
      List<ExpertLoad> images = image.loads();
      List<ExpertLoad> texts = text.loads();
      return IntStream.range(0, images.size())
          .mapToObj(i -> new ModalLoad(part, images.get(i), texts.get(i)))
          .toList();
    }
  }

  /// A conversation that the decoder has seen.
  ///
  /// @param sample the whole of it
  /// @param seen how many of its tokens
  /// @param scored the places of the tokens whose prediction counts
  /// @param predictors what predicts them, `[scored, hidden]`
  record Passage(LabelledSample sample, int seen, List<Integer> scored, Tensor predictors) {
    /// How many parts it is scored in.
    int parts() {
      return Math.ceilDiv(scored.size(), PredictionTally.ROWS);
    }

    private int begin(int part) {
      return part * PredictionTally.ROWS;
    }

    private int rows(int part) {
      return Math.min(PredictionTally.ROWS, scored.size() - begin(part));
    }

    private long[] labels(int part) {
      return IntStream.range(begin(part), begin(part) + rows(part))
          .mapToLong(i -> sample.labels().get(scored.get(i)))
          .toArray();
    }
  }

  /// Shows the decoder a conversation; the passage belongs to the caller's scope.
  Passage read(LabelledSample sample) {
    int seen = Math.min(context, sample.ids().size());
    List<Integer> scored =
        IntStream.range(1, seen).filter(i -> sample.labels().get(i) >= 0).boxed().toList();
    Tensor predictors =
        tally.read(
            seen,
            () -> {
              try (TensorScope scope = TensorScope.open()) {
                Tensor hidden = decoded(sample, seen).squeeze(0);
                long[] before = scored.stream().mapToLong(place -> place - 1L).toArray();
                return scope.keep(hidden.indexSelect(0, tally.onDevice(before)));
              }
            });
    return new Passage(sample, seen, scored, predictors);
  }

  private Tensor decoded(LabelledSample sample, int seen) {
    Tensor ids =
        tally.onDevice(sample.ids().stream().mapToLong(Long::longValue).toArray()).unsqueeze(0);
    Tensor pixels = sample.pixels();
    Tensor read;
    if (pixels == null) {
      read = model.language().embed(ids);
    } else {
      LlavaModel.Reading reading = model.read(ids, pixels, ForwardPass.plain());
      vision.add(reading.routings().vision(), _ -> true);
      connector.add(reading.routings().connector(), _ -> true);
      read = reading.hidden();
    }
    HiddenOutput output = model.language().hidden(read.narrow(1, 0, seen), ForwardPass.plain());
    language.add(output.routings(), token -> isImage(sample.ids().get((int) token)));
    return output.hidden();
  }

  private boolean isImage(long id) {
    return id == model.imageToken();
  }

  /// What it says of the tokens of one part of a passage.
  Scores score(Passage passage, int part) {
    Tensor logits =
        tally.logits(passage.predictors().narrow(0, passage.begin(part), passage.rows(part)));
    long[] labels = passage.labels(part);
    long[] best = logits.argmax().toLongs();
    TokenLosses losses =
        tally.losses(
            logits,
            labels,
            row ->
                "conversation %d of those read, token %d"
                    .formatted(counts.samples(), passage.scored().get(passage.begin(part) + row)));
    long likeliest = IntStream.range(0, best.length).filter(i -> best[i] == labels[i]).count();
    return new Scores(losses, likeliest);
  }

  /// @param likeliest how many of the labels were the likeliest token
  record Scores(TokenLosses losses, long likeliest) {}

  /// Counts a passage all of whose parts were scored.
  ///
  /// @param likeliest how many of its scored tokens were
  void count(Passage passage, long likeliest) {
    Tensor pixels = passage.sample().pixels();
    int scored = passage.scored().size();
    counts =
        new SampleEvaluation.Counts(
            counts.samples() + 1,
            counts.unlabelled() + (scored == 0 ? 1 : 0),
            counts.images() + (pixels == null ? 0 : pixels.size(0)),
            counts.tokens() + passage.seen(),
            counts.imageTokens()
                + passage.sample().ids().stream()
                    .limit(passage.seen())
                    .filter(this::isImage)
                    .count(),
            counts.scored() + scored,
            counts.exact() + (scored > 0 && likeliest == scored ? 1 : 0));
  }

  SampleEvaluation evaluation() {
    List<ModalLoad> layers = new ArrayList<>();
    layers.addAll(vision.of(Part.VISION));
    layers.addAll(connector.of(Part.CONNECTOR));
    layers.addAll(language.of(Part.LANGUAGE));
    return new SampleEvaluation(
        counts, tally.negativeLogLikelihood(), tally.tokensPerSecond(), layers);
  }
}
