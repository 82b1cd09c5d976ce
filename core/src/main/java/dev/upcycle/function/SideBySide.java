package dev.upcycle.function;

import dev.upcycle.arch.Architecture;
import dev.upcycle.function.FunctionReport.Control;
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
import dev.upcycle.model.LayerOutput;
import dev.upcycle.model.StackWalk;
import dev.upcycle.model.WeightChange;
import dev.upcycle.recipe.Part;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/// Notes how far two models lie apart on a walk through both; one thread, one walk.
final class SideBySide {
  private final FunctionVerifier.Listener listener;
  private final Exercise exercise;
  private final int total;
  private final SequencedMap<Place, Layer> layers = new LinkedHashMap<>();
  private final List<Result> results = new ArrayList<>();
  private @Nullable Loss loss;
  private @Nullable Control control;
  private int done;

  /// Which experts are run.
  enum Exercise {
    /// Those that the target's routers choose.
    CHOSEN,
    /// All, the others under routers drawn for them.
    ALL
  }

  /// @param total how many layers the walk passes, those passed twice counted twice
  SideBySide(int total, Exercise exercise, FunctionVerifier.Listener listener) {
    this.total = total;
    this.exercise = exercise;
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
        : Optional.of("%s is %d, the dense model's %d".formatted(what, target, dense));
  }

  /// What a layer of the target does, with its weights as they are or changed.
  @FunctionalInterface
  private interface Step {
    FeedForwardBlock.Output take(Tensor input, WeightChange change);
  }

  /// A step of the target at a place.
  private record Stride(Place place, Architecture family, Step step) {}

  /// Walks both; closes the states that it begins with, and the caller those that it gives.
  States walk(Stacks stacks, States begin) throws InterruptedException {
    States states = begin;
    for (int layer = 0; layer < stacks.count(); layer++) {
      try (States before = states;
          TensorScope _ = TensorScope.open()) {
        requireUninterrupted();
        int index = layer;
        Tensor ours = stacks.dense().layer(index, before.dense(), WeightChange.NONE).hidden();
        Step step = (input, change) -> block(stacks.target().layer(index, input, change));
        Place place = new Place(stacks.part(), index);
        states = compared(new Stride(place, stacks.target().family(), step), before, ours);
      }
    }
    return states;
  }

  private static FeedForwardBlock.Output block(LayerOutput output) {
    return new FeedForwardBlock.Output(output.hidden(), output.routing());
  }

  /// Passes both connectors; closes the states that it begins with, and the caller those that it
  /// gives.
  States walk(ConnectorWalk dense, ConnectorWalk target, States begin) throws InterruptedException {
    try (States before = begin;
        TensorScope _ = TensorScope.open()) {
      requireUninterrupted();
      Tensor ours = dense.forward(before.dense(), WeightChange.NONE).hidden();
      Place place = new Place(Optional.of(Part.CONNECTOR), 0);
      return compared(new Stride(place, target.family(), target::forward), before, ours);
    }
  }

  private static void requireUninterrupted() throws InterruptedException {
    if (Thread.interrupted()) {
      throw new InterruptedException();
    }
  }

  private States compared(Stride stride, States before, Tensor ours) {
    Tensor both = Tensors.concat(List.of(before.dense(), before.target()), 0);
    FeedForwardBlock.Output output = stride.step().take(both, WeightChange.NONE);
    List<Tensor> theirs = output.hidden().split(0, ours.size(0), ours.size(0));
    double own = RelativeError.ofWorstToken(ours, theirs.getFirst());
    @Nullable Gates gates = null;
    @Nullable Experts experts = null;
    if (output.findRouting().isPresent()) {
      Routing routing = output.findRouting().get();
      gates = gates(routing);
      ExpertTally tally = new ExpertTally(routing.counts());
      note(stride, tally.busiest(), before.dense(), ours);
      if (exercise == Exercise.ALL) {
        own = Math.max(own, worstOfTheOthers(stride, tally, before.dense(), ours));
      }
      experts = tally.experts();
    }
    double accumulated = RelativeError.of(ours, theirs.getLast());
    layers.merge(
        stride.place(), new Layer(stride.place(), own, accumulated, gates, experts), Layer::and);
    listener.advanced(++done, total);
    return States.of(ours, theirs.getLast());
  }

  private static Gates gates(Routing routing) {
    Tensor sums =
        Tensors.zeros(DType.F32, routing.tokenCount())
            .indexAdd(0, routing.tokens(), routing.weights());
    double least = -sums.negated().max().item();
    return new Gates(least, sums.max().item());
  }

  /// Notes what a wrong expert of the first layer that has any would show.
  private void note(Stride stride, int expert, Tensor dense, Tensor ours) {
    if (control == null) {
      FlippedExpert flipped = new FlippedExpert(stride.family(), expert);
      Tensor wrong = stride.step().take(dense, flipped).hidden();
      control = new Control(stride.place(), expert, RelativeError.ofWorstToken(ours, wrong));
    }
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
        FeedForwardBlock.Output output = stride.step().take(dense, router);
        worst = Math.max(worst, RelativeError.ofWorstToken(ours, output.hidden()));
        long[] counts = output.findRouting().orElseThrow().counts();
        drawn = router.ofRows(counts);
        tally.add(counts);
      }
    }
    return worst;
  }

  /// Notes something that both models give.
  void result(String name, Tensor dense, Tensor target) {
    results.add(new Result(name, RelativeError.of(dense, target)));
  }

  /// Notes what both heads make of texts.
  void result(HeadComparison head) {
    results.add(new Result("logits", head.error()));
    loss = head.loss();
  }

  Outcome outcome() {
    return new Outcome(List.copyOf(layers.values()), results, loss, control);
  }
}
