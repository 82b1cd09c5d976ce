package dev.upcycle.evaluate;

import dev.upcycle.kernels.tensor.DType;
import dev.upcycle.kernels.tensor.Functions;
import dev.upcycle.kernels.tensor.Gradients;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.TensorScope;
import dev.upcycle.kernels.tensor.Tensors;
import dev.upcycle.model.ForwardPass;
import dev.upcycle.model.HiddenOutput;
import dev.upcycle.model.LayerRouting;
import dev.upcycle.model.LlavaModel;
import dev.upcycle.recipe.Part;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongPredicate;
import java.util.stream.IntStream;

/// Lets a LLaVA predict the answers of conversations, one after the other; one thread.
public final class SampleEvaluator {
  /// Rows of the vocabulary's width that exist at once.
  private static final int ROWS = 128;

  private final LlavaModel model;
  private final int context;
  private final Loads vision = new Loads(new LoadCounter(), new LoadCounter());
  private final Loads connector = new Loads(new LoadCounter(), new LoadCounter());
  private final Loads language = new Loads(new LoadCounter(), new LoadCounter());
  private SampleEvaluation.Counts counts = new SampleEvaluation.Counts(0, 0, 0, 0, 0, 0, 0);
  private double negativeLogLikelihood;
  private long nanos;

  /// @param context most tokens of a sample that the decoder sees, images included; what comes
  ///   after them is cut off
  public SampleEvaluator(LlavaModel model, int context) {
    this.model = model;
    this.context = context;
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

  /// Reads one conversation.
  public void add(LabelledSample sample) {
    long begin = System.nanoTime();
    try (Gradients.Pause _ = Gradients.pause();
        TensorScope _ = TensorScope.open()) {
      int seen = Math.min(context, sample.ids().size());
      HiddenOutput output = decoded(sample, seen);
      List<Long> ids = sample.ids().subList(0, seen);
      language.add(output.routings(), token -> ids.get((int) token) == model.imageToken());
      List<Integer> scored =
          IntStream.range(1, seen).filter(i -> sample.labels().get(i) >= 0).boxed().toList();
      long likeliest = score(output.hidden().squeeze(0), sample.labels(), scored);
      boolean exact = !scored.isEmpty() && likeliest == scored.size();
      count(sample, new Seen(ids, scored.size(), exact ? 1 : 0));
    }
    nanos += System.nanoTime() - begin;
  }

  private HiddenOutput decoded(LabelledSample sample, int seen) {
    Tensor ids = tensor(sample.ids()).unsqueeze(0);
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
    return model.language().hidden(read.narrow(1, 0, seen), ForwardPass.plain());
  }

  private Tensor tensor(List<Long> ids) {
    return Tensors.of(ids.stream().mapToLong(Long::longValue).toArray())
        .to(model.language().options().device());
  }

  /// Adds the losses of the tokens at these places, each predicted by the one before it.
  ///
  /// @return how many of them were the likeliest
  private long score(Tensor hidden, List<Long> labels, List<Integer> places) {
    long likeliest = 0;
    for (int from = 0; from < places.size(); from += ROWS) {
      List<Integer> some = places.subList(from, Math.min(places.size(), from + ROWS));
      try (TensorScope _ = TensorScope.open()) {
        Tensor before = tensor(some.stream().map(place -> place - 1L).toList());
        Tensor wanted = tensor(some.stream().map(labels::get).toList());
        Tensor logits = model.language().head().forward(hidden.indexSelect(0, before));
        Tensor picked = Functions.logSoftmax(logits.to(DType.F32)).gather(1, wanted.unsqueeze(1));
        for (float value : picked.toFloats()) {
          negativeLogLikelihood -= value;
        }
        long[] best = logits.argmax().toLongs();
        likeliest +=
            IntStream.range(0, best.length).filter(i -> best[i] == labels.get(some.get(i))).count();
      }
    }
    return likeliest;
  }

  /// What was scored of a sample.
  private record Seen(List<Long> ids, int scored, int exact) {}

  private void count(LabelledSample sample, Seen seen) {
    Tensor pixels = sample.pixels();
    counts =
        new SampleEvaluation.Counts(
            counts.samples() + 1,
            counts.unlabelled() + (seen.scored() == 0 ? 1 : 0),
            counts.images() + (pixels == null ? 0 : pixels.size(0)),
            counts.tokens() + seen.ids().size(),
            counts.imageTokens()
                + seen.ids().stream().filter(id -> id == model.imageToken()).count(),
            counts.scored() + seen.scored(),
            counts.exact() + seen.exact());
  }

  /// What came of all conversations so far.
  public SampleEvaluation evaluation() {
    List<ModalLoad> layers = new ArrayList<>();
    layers.addAll(vision.of(Part.VISION));
    layers.addAll(connector.of(Part.CONNECTOR));
    layers.addAll(language.of(Part.LANGUAGE));
    double seconds = Math.max(1, nanos) / 1e9;
    return new SampleEvaluation(counts, negativeLogLikelihood, counts.tokens() / seconds, layers);
  }
}
