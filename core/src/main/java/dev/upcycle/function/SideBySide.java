package dev.upcycle.function;

import dev.upcycle.function.FunctionReport.Control;
import dev.upcycle.function.FunctionReport.Gates;
import dev.upcycle.function.FunctionReport.Layer;
import dev.upcycle.function.FunctionReport.Outcome;
import dev.upcycle.kernels.moe.Routing;
import dev.upcycle.kernels.tensor.DType;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.TensorScope;
import dev.upcycle.kernels.tensor.Tensors;
import dev.upcycle.model.LayerOutput;
import dev.upcycle.model.LayerWalk;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// A walk through two models at once; one thread, one walk.
final class SideBySide {
  private final LayerWalk dense;
  private final LayerWalk target;
  private final ProbeTokens tokens;
  private final List<Layer> layers = new ArrayList<>();
  private @Nullable Control control;

  SideBySide(LayerWalk dense, LayerWalk target, ProbeTokens tokens) {
    this.dense = dense;
    this.target = target;
    this.tokens = tokens;
  }

  /// The residual streams of both, `[batch, seq, hidden]`; owns them until it is closed.
  private record States(Tensor dense, Tensor target, TensorScope memory) implements AutoCloseable {
    static States of(Tensor dense, Tensor target) {
      TensorScope memory = TensorScope.detached();
      return new States(memory.hold(dense), memory.hold(target), memory);
    }

    @Override
    public void close() {
      memory.close();
    }
  }

  Outcome walk(FunctionVerifier.Listener listener) throws InterruptedException {
    States states = embedded();
    try {
      for (int layer = 0; layer < dense.layers(); layer++) {
        if (Thread.interrupted()) {
          throw new InterruptedException();
        }
        States next = after(layer, states);
        states.close();
        states = next;
        listener.advanced(layer + 1, dense.layers());
      }
      HeadComparison head = new HeadComparison(dense, target, tokens);
      head.compare(states.dense(), states.target());
      return new Outcome(layers, head.error(), head.loss(), control);
    } finally {
      states.close();
    }
  }

  private States embedded() {
    try (TensorScope _ = TensorScope.open()) {
      Tensor ids = Tensors.of(tokens.flat()).view(tokens.rows().size(), -1);
      return States.of(dense.embed(ids), target.embed(ids));
    }
  }

  private States after(int layer, States states) {
    try (TensorScope _ = TensorScope.open()) {
      Tensor ours = dense.layer(layer, states.dense()).hidden();
      LayerOutput output =
          target.layer(layer, Tensors.concat(List.of(states.dense(), states.target()), 0));
      List<Tensor> theirs = output.hidden().split(0, ours.size(0), ours.size(0));
      Gates gates = output.findRouting().map(SideBySide::gates).orElse(null);
      layers.add(
          new Layer(
              layer,
              RelativeError.ofWorstToken(ours, theirs.getFirst()),
              RelativeError.of(ours, theirs.getLast()),
              gates));
      if (control == null && output.findRouting().isPresent()) {
        int expert = busiest(output.findRouting().get());
        control = new Control(layer, expert, wrong(layer, expert, states.dense(), ours));
      }
      return States.of(ours, theirs.getLast());
    }
  }

  private static Gates gates(Routing routing) {
    Tensor sums =
        Tensors.zeros(DType.F32, routing.tokenCount())
            .indexAdd(0, routing.tokens(), routing.weights());
    double least = -sums.negated().max().item();
    return new Gates(least, sums.max().item());
  }

  private static int busiest(Routing routing) {
    long[] counts = routing.counts();
    int busiest = 0;
    for (int expert = 1; expert < counts.length; expert++) {
      busiest = counts[expert] > counts[busiest] ? expert : busiest;
    }
    return busiest;
  }

  private double wrong(int layer, int expert, Tensor before, Tensor after) {
    LayerWalk.Change flipped = FlippedExpert.of(target.config(), expert);
    return RelativeError.ofWorstToken(after, target.layer(layer, before, flipped).hidden());
  }
}
