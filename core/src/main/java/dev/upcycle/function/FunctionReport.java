package dev.upcycle.function;

import dev.upcycle.recipe.Part;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// How far a target's function lies from the dense model's.
///
/// @param inputs what both saw
/// @param bound of what a layer, or what stands before and behind them, gets wrong by itself
/// @param outcome what was measured
/// @param judgement what is held against its bound
public record FunctionReport(Inputs inputs, double bound, Outcome outcome, Judgement judgement) {
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

  /// How far something of the target lies from the dense model's, as relative errors.
  ///
  /// @param alone when it reads the dense model's states: what it adds by itself; of a layer the
  ///   worst token's
  /// @param accumulated when each model reads its own
  /// @param admitted how far the dense model comes from itself when each of its layers errs as much
  ///   as is admitted of a layer alone
  public record Errors(double alone, double accumulated, double admitted) {
    /// The worse of two looks.
    Errors and(Errors other) {
      return new Errors(
          Math.max(alone, other.alone),
          Math.max(accumulated, other.accumulated),
          Math.max(admitted, other.admitted));
    }
  }

  /// A layer of both models.
  ///
  /// @param place where it is
  /// @param errors of its states
  /// @param gates smallest and largest sum of a token's gate weights; null in a dense layer
  /// @param experts which were run; null in a dense layer
  public record Layer(
      Place place, Errors errors, @Nullable Gates gates, @Nullable Experts experts) {
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
      return new Layer(place, errors.and(other.errors), both, run);
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

  /// Something that the model gives, or that its layers are given.
  ///
  /// @param name such as `logits`, `pooled` or `embeddings`
  public record Result(String name, Errors errors) {
    /// The worse of two looks at one thing.
    Result and(Result other) {
      return new Result(name, errors.and(other.errors));
    }
  }

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

  /// Why not everything is held against its bound; empty when it is.
  public Optional<String> whyNotJudged() {
    return judgement.objection();
  }

  /// Why one layer is not held against its bound while others are; empty when all are or none is.
  public Optional<String> whyExempt(Layer layer) {
    return switch (judgement) {
      case Judgement.All _, Judgement.None _ -> Optional.empty();
      case Judgement.Untouched _ -> judgement.objection(layer.place());
    };
  }

  /// What accumulated errors are held against: what the dense model makes of errors that are
  /// admitted, and no less than the bound of one of them.
  public double limit(Errors errors) {
    return Math.max(bound, errors.admitted());
  }

  /// The first layer that parts from the dense model's by itself.
  public Optional<Layer> firstParting() {
    return layers().stream().filter(layer -> !(layer.errors().alone() <= bound)).findFirst();
  }

  /// The largest relative error that a layer alone adds.
  public double worstLayer() {
    return layers().stream().mapToDouble(layer -> layer.errors().alone()).max().orElseThrow();
  }

  /// The layer that its own states bring nearest to its limit, or beyond it.
  public Layer worstAccumulated() {
    return layers().stream()
        .max(
            Comparator.comparingDouble(
                layer -> layer.errors().accumulated() / limit(layer.errors())))
        .orElseThrow();
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
    return new FunctionFailures(this).all();
  }

  /// Something that did not hold.
  ///
  /// @param subject a layer, a result or the control
  public record Failure(String subject, String message) {}
}
