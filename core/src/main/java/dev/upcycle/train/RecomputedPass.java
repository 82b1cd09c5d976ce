package dev.upcycle.train;

import dev.upcycle.kernels.attention.RotaryEmbedding;
import dev.upcycle.kernels.moe.Routing;
import dev.upcycle.kernels.tensor.Gradients;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.TensorScope;
import dev.upcycle.model.DecoderModel;
import dev.upcycle.model.ForwardPass;
import dev.upcycle.model.LayerOutput;
import dev.upcycle.model.TransformerLayer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// A decoder's layers whose activations are forgotten and computed again, last layer first.
///
/// What layers and losses share are the inputs of layers and what routers computed: the losses'
/// derivatives by those stand for the graph between them. A layer's noise is drawn by its place in
/// the run, so that the second time gives the first time's numbers.
final class RecomputedPass {
  private final DecoderModel model;
  private final Tensor embeddings;
  private final ForwardPass pass;
  private final RotaryEmbedding.Rotation rotation;
  private final List<Tensor> inputs = new ArrayList<>();
  private final List<Optional<Routing>> routings = new ArrayList<>();
  private Tensor last;

  private RecomputedPass(DecoderModel model, Tensor embeddings, ForwardPass pass) {
    this.model = model;
    this.embeddings = embeddings;
    this.pass = pass;
    this.rotation = model.rotation(embeddings.size(1), pass);
    this.last = embeddings;
  }

  /// Passes embeddings, which may have a graph, through all layers and records no more of it.
  ///
  /// @param embeddings `[batch, seq, hidden]`
  static RecomputedPass forward(DecoderModel model, Tensor embeddings, ForwardPass pass) {
    try (Gradients.Pause _ = Gradients.pause()) {
      RecomputedPass made = new RecomputedPass(model, embeddings, pass);
      for (int layer = 0; layer < model.layers().size(); layer++) {
        made.forward(layer);
      }
      return made;
    }
  }

  private void forward(int layer) {
    inputs.add(last);
    try (TensorScope scope = TensorScope.open()) {
      LayerOutput output = run(layer, last);
      last = scope.keep(output.hidden());
      routings.add(output.findRouting().map(routing -> leaf(routing, scope)));
    }
  }

  private LayerOutput run(int layer, Tensor input) {
    TransformerLayer.Context context = model.context(layer, rotation, pass);
    return model.layers().get(layer).forward(input, context);
  }

  /// The same decisions, whose logits and scores collect derivatives.
  private static Routing leaf(Routing routing, TensorScope scope) {
    Routing.Evidence evidence = routing.evidence();
    Tensor mask = evidence.mask();
    return new Routing(
        scope.keep(routing.tokens()),
        scope.keep(routing.experts()),
        scope.keep(routing.weights()),
        scope.keep(routing.offsets()),
        new Routing.Evidence(
            Gradients.track(scope.keep(Gradients.detach(evidence.logits()))),
            Gradients.track(scope.keep(Gradients.detach(evidence.scores()))),
            mask == null ? null : scope.keep(mask)),
        null);
  }

  /// What the last layer gave.
  Tensor last() {
    return last;
  }

  /// What routers decided, as leaves of the losses.
  List<Routing> routings() {
    return routings.stream().flatMap(Optional::stream).toList();
  }

  /// Adds the derivatives of all layers and of what the embeddings come from, given that of the
  /// last layer's output; those of the losses of these layers' routers were collected before.
  ///
  /// @param losses scalars of the graph that the embeddings come from
  void backward(Tensor derivative, List<Tensor> losses) {
    Tensor above = derivative;
    for (int layer = inputs.size() - 1; layer >= 0; layer--) {
      try (TensorScope scope = TensorScope.open()) {
        Tensor input = Gradients.track(Gradients.detach(inputs.get(layer)));
        LayerOutput output = run(layer, input);
        Tensor end = output.hidden().times(above).sum();
        Gradients.backward(withRouter(end, output, routings.get(layer)));
        above = scope.keep(Gradients.find(input).orElseThrow());
      }
    }
    Tensor end = embeddings.times(above).sum();
    for (Tensor loss : losses) {
      end = end.plus(loss);
    }
    if (Gradients.isTracked(end)) {
      Gradients.backward(end);
    }
  }

  private static Tensor withRouter(Tensor end, LayerOutput output, Optional<Routing> leaf) {
    Tensor sum = end;
    if (leaf.isPresent() && output.findRouting().isPresent()) {
      Routing.Evidence first = leaf.orElseThrow().evidence();
      Routing.Evidence again = output.findRouting().orElseThrow().evidence();
      sum = plus(sum, again.logits(), first.logits());
      sum = plus(sum, again.scores(), first.scores());
    }
    return sum;
  }

  private static Tensor plus(Tensor sum, Tensor again, Tensor leaf) {
    return Gradients.find(leaf)
        .map(derivative -> sum.plus(again.times(derivative).sum()))
        .orElse(sum);
  }
}
