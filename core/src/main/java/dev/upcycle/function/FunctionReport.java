package dev.upcycle.function;

import dev.upcycle.recipe.Part;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// How far a target's function lies from the dense model's.
///
/// @param inputs what both saw
/// @param bound of every relative error
/// @param outcome what was measured
/// @param notJudged why no bound is held against it; null when one is
public record FunctionReport(
    Inputs inputs, double bound, Outcome outcome, @Nullable String notJudged) {
  /// What both models saw.
  ///
  /// @param tokens of texts, the places of images not counted
  /// @param images how many
  /// @param origin where the images come from
  public record Inputs(long tokens, long images, Origin origin) {
    /// Where images come from.
    public enum Origin {
      /// Pixels drawn by a fixed seed.
      NOISE,
      /// Files that were named.
      FILES
    }
  }

  /// What was measured.
  ///
  /// @param layers part by part, in order
  /// @param results of what the model gives
  /// @param loss of the next token, before any training; null where none is predicted
  /// @param control what the check sees when an expert is wrong; null when no layer has experts
  public record Outcome(
      List<Layer> layers, List<Result> results, @Nullable Loss loss, @Nullable Control control) {
    /// Takes copies; refuses a model without layers or results.
    public Outcome {
      layers = List.copyOf(layers);
      results = List.copyOf(results);
      if (layers.isEmpty() || results.isEmpty()) {
        throw new IllegalArgumentException("nothing was compared");
      }
    }
  }

  /// Part by part, in order.
  public List<Layer> layers() {
    return outcome.layers();
  }

  /// Of what the model gives.
  public List<Result> results() {
    return outcome.results();
  }

  /// Of the next token, before any training; empty where none is predicted.
  public Optional<Loss> findLoss() {
    return Optional.ofNullable(outcome.loss());
  }

  /// Where a layer is.
  ///
  /// @param part empty in a model of one part
  /// @param layer index in its part
  public record Place(Optional<Part> part, int layer) {
    /// What messages call it: `layer 2`, `vision layer 2`, `connector`.
    public String name() {
      if (part.equals(Optional.of(Part.CONNECTOR))) {
        return Part.CONNECTOR.key();
      }
      return part.map(one -> one.key() + " ").orElse("") + "layer " + layer;
    }
  }

  /// A layer of both models.
  ///
  /// @param place where it is
  /// @param own relative error of the worst token when both layers read the dense model's states:
  ///   what this layer alone adds
  /// @param accumulated relative error when each reads its own model's states
  /// @param gates smallest and largest sum of a token's gate weights; null in a dense layer
  /// @param experts which were run; null in a dense layer
  public record Layer(
      Place place,
      double own,
      double accumulated,
      @Nullable Gates gates,
      @Nullable Experts experts) {
    /// Which experts were run; empty in a dense layer.
    public Optional<Experts> findExperts() {
      return Optional.ofNullable(experts);
    }

    /// The sums of gate weights of a layer that has experts.
    public Optional<Gates> findGates() {
      return Optional.ofNullable(gates);
    }

    /// The worse of two looks at one layer.
    Layer and(Layer other) {
      Gates both = gates == null || other.gates == null ? gates : gates.and(other.gates);
      Experts run = experts == null || other.experts == null ? experts : experts.and(other.experts);
      return new Layer(
          place, Math.max(own, other.own), Math.max(accumulated, other.accumulated), both, run);
    }
  }

  /// Which experts of a layer were run.
  ///
  /// @param count how many there are
  /// @param unchosen those that the layer's own router gives no token of the probe
  /// @param missed those of them that no drawn router ran either, so that nothing is known of them
  public record Experts(int count, List<Integer> unchosen, List<Integer> missed) {
    /// Takes copies.
    public Experts {
      unchosen = List.copyOf(unchosen);
      missed = List.copyOf(missed);
    }

    Experts and(Experts other) {
      return new Experts(
          count,
          unchosen.stream().filter(other.unchosen::contains).toList(),
          missed.stream().filter(other.missed::contains).toList());
    }
  }

  /// How many experts of all layers there are.
  public long experts() {
    return layers().stream()
        .flatMap(layer -> layer.findExperts().stream())
        .mapToLong(Experts::count)
        .sum();
  }

  /// The layers with experts that were not run.
  public List<Layer> layersWithMissedExperts() {
    return layers().stream()
        .filter(layer -> layer.findExperts().filter(all -> !all.missed().isEmpty()).isPresent())
        .toList();
  }

  /// Sums of the weights of a token's experts.
  public record Gates(double least, double most) {
    Gates and(Gates other) {
      return new Gates(Math.min(least, other.least), Math.max(most, other.most));
    }
  }

  /// Something that the model gives.
  ///
  /// @param name such as `logits` or `pooled`
  /// @param error its relative error
  public record Result(String name, double error) {}

  /// Mean negative log-likelihood of the next token, in nats.
  public record Loss(double dense, double target) {}

  /// A negative control: one expert of one layer computes with the opposite sign.
  ///
  /// @param error relative error of the worst token, which must pass the bound
  public record Control(Place place, int expert, double error) {}

  /// The negative control, when a layer has experts.
  public Optional<Control> findControl() {
    return Optional.ofNullable(outcome.control());
  }

  /// Why the distance is only reported; empty when it is judged.
  public Optional<String> whyNotJudged() {
    return Optional.ofNullable(notJudged);
  }

  /// The first layer that parts from the dense model's, by itself or by what adds up.
  public Optional<Layer> firstParting() {
    return layers().stream()
        .filter(layer -> layer.own() > bound)
        .findFirst()
        .or(() -> layers().stream().filter(layer -> layer.accumulated() > bound).findFirst());
  }

  /// The largest relative error that a layer alone adds.
  public double worstLayer() {
    return layers().stream().mapToDouble(Layer::own).max().orElseThrow();
  }

  /// The largest relative error of a layer that reads its own model's states.
  public double worstAccumulated() {
    return layers().stream().mapToDouble(Layer::accumulated).max().orElseThrow();
  }

  /// The range of all layers' sums of gate weights; empty where no layer has experts.
  public Optional<Gates> gates() {
    return layers().stream().flatMap(layer -> layer.findGates().stream()).reduce(Gates::and);
  }

  /// True when nothing failed.
  public boolean passed() {
    return failures().isEmpty();
  }

  /// What failed, each with the layer or part that it names.
  public List<Failure> failures() {
    List<Failure> failures = new ArrayList<>();
    if (notJudged != null) {
      results().stream()
          .filter(result -> !Double.isFinite(result.error()))
          .forEach(result -> failures.add(new Failure(result.name(), "not finite")));
      findLoss()
          .filter(loss -> !Double.isFinite(loss.target()) && failures.isEmpty())
          .ifPresent(_ -> failures.add(new Failure("loss", "not finite")));
      return failures;
    }
    firstParting()
        .ifPresent(layer ->
            failures.add(
                new Failure(
                    layer.place().name(),
                    "the first layer that parts from the dense model: its own relative error is"
                        + " %.3g, accumulated %.3g, expected at most %.3g"
                            .formatted(layer.own(), layer.accumulated(), bound))));
    results().stream()
        .filter(result -> !(result.error() <= bound))
        .forEach(result ->
            failures.add(
                new Failure(
                    result.name(),
                    "relative error %.3g, expected at most %.3g"
                        .formatted(result.error(), bound))));
    findControl()
        .filter(wrong -> !(wrong.error() > bound))
        .ifPresent(wrong ->
            failures.add(
                new Failure(
                    "negative control",
                    ("expert %d of %s with the opposite sign gives a relative error of %.3g"
                            + " only: this check cannot see a wrong expert here")
                        .formatted(wrong.expert(), wrong.place().name(), wrong.error()))));
    return failures;
  }

  /// Something that did not hold.
  ///
  /// @param subject a layer, a result or the control
  public record Failure(String subject, String message) {}
}
