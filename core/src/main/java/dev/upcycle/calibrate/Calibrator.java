package dev.upcycle.calibrate;

import dev.upcycle.arch.Architecture;
import dev.upcycle.arch.Role;
import dev.upcycle.evaluate.ExpertLoad;
import dev.upcycle.kernels.tensor.Gradients;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.TensorScope;
import dev.upcycle.kernels.tensor.Tensors;
import dev.upcycle.model.LayerOutput;
import dev.upcycle.model.LayerWalk;
import dev.upcycle.plan.SeedTree;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;

/// Makes routers of what a dense model's layers see, a layer at a time.
///
/// In memory are the weights of one layer and three states of every token: what enters a layer,
/// what its router would read, what leaves it.
public final class Calibrator {
  private final LayerWalk walk;
  private final Architecture target;
  private final List<Passage> passages;
  private final RouterKind kind;

  /// @param walk through the dense model
  /// @param target whose routers are made
  /// @param passages all texts; every expert has one at least where rows are means of texts
  /// @param kind how rows come about
  public Calibrator(LayerWalk walk, Architecture target, List<Passage> passages, RouterKind kind) {
    this.walk = walk;
    this.target = target;
    this.passages = List.copyOf(passages);
    this.kind = kind;
  }

  /// Hears how far a calibration is.
  @FunctionalInterface
  public interface Listener {
    /// So many of so many layers are done.
    void advanced(int done, int total);
  }

  /// The routers of all layers, first to last.
  ///
  /// @throws CalibrationException when the texts give an expert no direction, or the model computes
  ///   NaN or infinity
  public List<LayerRouter> routers(RowScale scale, Listener listener) throws InterruptedException {
    List<LayerRouter> routers = new ArrayList<>();
    TensorScope memory = TensorScope.detached();
    try (Gradients.Pause _ = Gradients.pause()) {
      List<Tensor> states = embedded(memory);
      for (int layer = 0; layer < walk.layers(); layer++) {
        if (Thread.interrupted()) {
          throw new InterruptedException();
        }
        TensorScope next = TensorScope.detached();
        try (TensorScope _ = TensorScope.open()) {
          List<LayerOutput> outputs = walk.layer(layer, states);
          routers.add(router(layer, states, outputs, scale));
          states = outputs.stream().map(output -> next.hold(output.hidden())).toList();
        } finally {
          memory.close();
          memory = next;
        }
        listener.advanced(layer + 1, walk.layers());
      }
    } finally {
      memory.close();
    }
    return routers;
  }

  private List<Tensor> embedded(TensorScope memory) {
    List<Tensor> states = new ArrayList<>();
    for (Passage passage : passages) {
      try (TensorScope _ = TensorScope.open()) {
        long[] ids = passage.ids().stream().mapToLong(Long::longValue).toArray();
        states.add(memory.hold(walk.embed(Tensors.of(ids).unsqueeze(0))));
      }
    }
    return states;
  }

  private LayerRouter router(
      int layer, List<Tensor> entering, List<LayerOutput> outputs, RowScale scale) {
    List<Tensor> inputs = outputs.stream().map(LayerOutput::feedForwardInput).toList();
    requireFinite(layer, inputs);
    RouterTokens tokens = RouterTokens.of(passages, inputs);
    return switch (kind) {
      case RouterKind.Hidden(RouterKind.State at, RouterKind.Tokens which) -> {
        List<Tensor> states =
            switch (at) {
              case ROUTER_INPUT -> inputs;
              case LAYER_INPUT -> entering;
            };
        RouterRows unit = HiddenRows.unit(passages, states, which);
        LogitSample sample = LogitSample.of(unit, tokens);
        yield scaled(unit, scale, new Figures(layer, sample, Optional.empty()));
      }
      case RouterKind.Centroid(int experts, long seed) -> {
        long own = new SeedTree(seed).seed(name(layer));
        SphericalKMeans.Clusters clusters = SphericalKMeans.of(tokens.rows(), experts, own);
        LogitSample sample = LogitSample.of(clusters.centres(), tokens);
        yield scaled(clusters.centres(), scale, new Figures(layer, sample, Optional.of(clusters)));
      }
    };
  }

  private static void requireFinite(int layer, List<Tensor> inputs) {
    for (int passage = 0; passage < inputs.size(); passage++) {
      double largest = inputs.get(passage).abs().max().item();
      if (!Double.isFinite(largest)) {
        throw new CalibrationException(
            "layer %d: what its router would read of passage %d reaches %s; the model's weights hold"
                    .formatted(layer, passage, largest)
                + " NaN or infinity, or they overflow in the type computed in");
      }
    }
  }

  /// What is known of a layer's router before its rows have their size.
  private record Figures(
      int layer, LogitSample sample, Optional<SphericalKMeans.Clusters> clusters) {
    LayerReport report(double norm) {
      return new LayerReport(
          layer,
          norm,
          norm * sample.std(),
          new ExpertLoad(layer, sample.tokens()),
          clusters.isPresent() ? OptionalDouble.empty() : OptionalDouble.of(sample.own()),
          clusters.stream().mapToDouble(SphericalKMeans.Clusters::inertia).findFirst(),
          clusters.map(SphericalKMeans.Clusters::iterations).orElse(0));
    }
  }

  private static LayerRouter scaled(RouterRows unit, RowScale scale, Figures figures) {
    double norm = scale.norm(figures.sample().std());
    return new LayerRouter(unit.times(norm), figures.report(norm));
  }

  private String name(int layer) {
    return target.template(Role.ROUTER).name(OptionalInt.of(layer), OptionalInt.empty());
  }
}
