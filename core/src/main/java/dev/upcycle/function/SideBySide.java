package dev.upcycle.function;

import dev.upcycle.arch.Architecture;
import dev.upcycle.function.FunctionReport.Control;
import dev.upcycle.function.FunctionReport.Errors;
import dev.upcycle.function.FunctionReport.Experts;
import dev.upcycle.function.FunctionReport.Gates;
import dev.upcycle.function.FunctionReport.Layer;
import dev.upcycle.function.FunctionReport.Loss;
import dev.upcycle.function.FunctionReport.Outcome;
import dev.upcycle.function.FunctionReport.Place;
import dev.upcycle.function.FunctionReport.Result;
import dev.upcycle.kernels.moe.Routing;
import dev.upcycle.kernels.tensor.DType;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.TensorScope;
import dev.upcycle.kernels.tensor.Tensors;
import dev.upcycle.model.ConnectorWalk;
import dev.upcycle.model.FeedForwardBlock;
import dev.upcycle.model.StackWalk;
import dev.upcycle.model.WeightChange;
import dev.upcycle.recipe.Part;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/// Notes how far two models lie apart on a walk through both; one thread, one walk.
///
/// Beside them walks the dense model once more with an error in every layer, as large as a layer's
/// own may be: how far it comes from itself is what such errors come to in this model.
final class SideBySide {
  private static final long SEED = 20260103;

  private final Terms terms;
  private final FunctionVerifier.Listener listener;
  private final int total;
  private final SequencedMap<Place, Layer> layers = new LinkedHashMap<>();
  private final SequencedMap<String, Result> results = new LinkedHashMap<>();
  private @Nullable Loss loss;
  private @Nullable Control control;
  private int done;

  /// What is asked of the target.
  ///
  /// @param judgement which layers must compute what the dense model's do; where they must, all of
  ///   their experts are run, else those that their routers choose
  /// @param admitted the relative error that a layer may make by itself
  record Terms(Judgement judgement, double admitted) {}

  /// @param total how many layers the walk passes, those passed twice counted twice
  SideBySide(int total, Terms terms, FunctionVerifier.Listener listener) {
    this.total = total;
    this.terms = terms;
    this.listener = listener;
  }

  /// Layers of both models.
  ///
  /// @param part empty in a model of one part
  /// @param count how many of them are used
  record Stacks(Optional<Part> part, StackWalk dense, StackWalk target, int count) {
    static Stacks all(Optional<Part> part, StackWalk dense, StackWalk target) {
      return new Stacks(part, dense, target, dense.layers());
    }

    /// Why they cannot be walked together; empty when they can.
    Optional<String> mismatch() {
      String name = part.map(one -> one.key() + ": ").orElse("");
      return SideBySide.mismatch(name + "number of layers", dense.layers(), target.layers())
          .or(() -> SideBySide.mismatch(name + "hidden size", dense.hidden(), target.hidden()));
    }
  }

  /// Says that two sizes differ; empty when they do not.
  static Optional<String> mismatch(String what, long dense, long target) {
    return dense == target
        ? Optional.empty()
        : Optional.of("%s is %s, the dense model's %s".formatted(what, target, dense));
  }

  /// What a layer does with each of some inputs, its weights as they are or changed.
  @FunctionalInterface
  private interface Step {
    List<FeedForwardBlock.Output> take(List<Tensor> inputs, WeightChange change);
  }

  /// A step of both models at a place.
  ///
  /// @param family of the target's layer
  private record Stride(Place place, Architecture family, Step dense, Step target) {
    /// What the target's changed layer makes of the dense model's states.
    FeedForwardBlock.Output changed(Tensor dense, WeightChange change) {
      return target.take(List.of(dense), change).getFirst();
    }
  }

  /// What both make of one input before their first layers.
  ///
  /// @param name of what they make
  States begin(
      String name, Tensor input, UnaryOperator<Tensor> dense, UnaryOperator<Tensor> target) {
    try (TensorScope _ = TensorScope.open()) {
      Tensor ours = dense.apply(input);
      Tensor theirs = target.apply(input);
      return begin(name, new Views<>(ours, theirs, theirs, ours));
    }
  }

  /// Notes how far both part before their first layers.
  States begin(String name, Views<Tensor> begin) {
    result(name, begin);
    return States.of(begin.dense(), begin.target(), begin.perturbed());
  }

  /// Walks both; closes the states that it begins with, and the caller those that it gives.
  States walk(Stacks stacks, States begin) throws InterruptedException {
    States states = begin;
    for (int layer = 0; layer < stacks.count(); layer++) {
      Place place = new Place(stacks.part(), layer);
      Step dense = step(stacks.dense(), layer);
      Step target = step(stacks.target(), layer);
      try (States before = states) {
        states = compared(new Stride(place, stacks.target().family(), dense, target), before);
      }
    }
    return states;
  }

  private static Step step(StackWalk stack, int layer) {
    return (inputs, change) ->
        stack.layer(layer, inputs, change).stream()
            .map(output -> new FeedForwardBlock.Output(output.hidden(), output.routing()))
            .toList();
  }

  /// Passes both connectors; closes the states that it begins with, and the caller those that it
  /// gives.
  States walk(ConnectorWalk dense, ConnectorWalk target, States begin) throws InterruptedException {
    try (States before = begin) {
      Place place = new Place(Optional.of(Part.CONNECTOR), 0);
      return compared(new Stride(place, target.family(), dense::forward, target::forward), before);
    }
  }

  private static void requireUninterrupted() throws InterruptedException {
    if (Thread.interrupted()) {
      throw new InterruptedException();
    }
  }

  /// Both models compute every input by itself: where their weights are the same, so is every bit.
  private States compared(Stride stride, States before) throws InterruptedException {
    requireUninterrupted();
    try (TensorScope _ = TensorScope.open()) {
      List<FeedForwardBlock.Output> dense =
          stride.dense().take(List.of(before.dense(), before.perturbed()), WeightChange.NONE);
      List<FeedForwardBlock.Output> target =
          stride.target().take(List.of(before.dense(), before.target()), WeightChange.NONE);
      Tensor ours = dense.getFirst().hidden();
      double alone = RelativeError.ofWorstToken(ours, target.getFirst().hidden());
      @Nullable Gates gates = null;
      @Nullable Experts experts = null;
      if (target.getFirst().findRouting().isPresent()) {
        gates = gates(target.getFirst()).and(gates(target.getLast()));
        ExpertTally tally = new ExpertTally(target.getFirst().findRouting().get().counts());
        note(stride, tally.busiest(), before.dense(), ours);
        if (judges(stride.place())) {
          alone = Math.max(alone, worstOfTheOthers(stride, tally, before.dense(), ours));
        }
        experts = tally.experts();
      }
      Tensor theirs = target.getLast().hidden();
      Tensor perturbed =
          new AdmittedError(terms.admitted(), SEED + done).on(dense.getLast().hidden());
      Errors errors =
          new Errors(alone, RelativeError.of(ours, theirs), RelativeError.of(ours, perturbed));
      layers.merge(stride.place(), new Layer(stride.place(), errors, gates, experts), Layer::and);
      listener.advanced(++done, total);
      return States.of(ours, theirs, perturbed);
    }
  }

  private static Gates gates(FeedForwardBlock.Output output) {
    Routing routing = output.findRouting().orElseThrow();
    Tensor sums =
        Tensors.zeros(DType.F32, routing.tokenCount())
            .indexAdd(0, routing.tokens(), routing.weights());
    double least = -sums.negated().max().item();
    return new Gates(least, sums.max().item());
  }

  /// Notes what a wrong expert of the first layer that has any would show; of the first that is
  /// judged, where one is.
  private void note(Stride stride, int expert, Tensor dense, Tensor ours) {
    if (control == null || (judges(stride.place()) && !judges(control.place()))) {
      FlippedExpert flipped = new FlippedExpert(stride.family(), expert);
      Tensor wrong = stride.changed(dense, flipped).hidden();
      control = new Control(stride.place(), expert, RelativeError.ofWorstToken(ours, wrong));
    }
  }

  private boolean judges(Place place) {
    return terms.judgement().objection(place).isEmpty();
  }

  /// Runs the experts that were not chosen: where all are copies and weights sum to 1, no router
  /// changes what a layer computes.
  private double worstOfTheOthers(Stride stride, ExpertTally tally, Tensor dense, Tensor ours) {
    double worst = 0;
    long[] drawn = new long[tally.count()];
    // Once it is known which rows are used, every run reaches an expert or more.
    for (int left = tally.count(); left >= 0 && !tally.missed().isEmpty(); left--) {
      try (TensorScope _ = TensorScope.open()) {
        DrawnRouter router = new DrawnRouter(stride.family(), tally.rowOfEachExpert(drawn));
        FeedForwardBlock.Output output = stride.changed(dense, router);
        worst = Math.max(worst, RelativeError.ofWorstToken(ours, output.hidden()));
        long[] counts = output.findRouting().orElseThrow().counts();
        drawn = router.ofRows(counts);
        tally.add(counts);
      }
    }
    return worst;
  }

  /// Notes something that both models give; of several under one name the worst.
  void result(String name, Views<Tensor> views) {
    Tensor ours = views.dense();
    note(
        new Result(
            name,
            new Errors(
                RelativeError.of(ours, views.alone()),
                RelativeError.of(ours, views.target()),
                RelativeError.of(ours, views.perturbed()))));
  }

  /// Notes what both heads make of texts.
  void result(HeadComparison head) {
    note(new Result("logits", head.errors()));
    loss = head.loss();
  }

  private void note(Result result) {
    results.merge(result.name(), result, Result::and);
  }

  Outcome outcome() {
    return new Outcome(List.copyOf(layers.values()), List.copyOf(results.values()), loss, control);
  }
}
