package dev.upcycle.function;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// How far a target's function lies from the dense model's.
///
/// @param tokens that both saw
/// @param bound of every relative error
/// @param outcome what was measured
/// @param notJudged why no bound is held against it; null when one is
public record FunctionReport(
    long tokens, double bound, Outcome outcome, @Nullable String notJudged) {
  /// What was measured.
  ///
  /// @param layers in order
  /// @param logits relative error of the logits
  /// @param loss of the next token, before any training
  /// @param control what the check sees when an expert is wrong; null when no layer has experts
  public record Outcome(List<Layer> layers, double logits, Loss loss, @Nullable Control control) {
    /// Takes a copy; refuses a model without layers.
    public Outcome {
      layers = List.copyOf(layers);
      if (layers.isEmpty()) {
        throw new IllegalArgumentException("no layers were compared");
      }
    }
  }

  /// In order.
  public List<Layer> layers() {
    return outcome.layers();
  }

  /// Relative error of the logits.
  public double logits() {
    return outcome.logits();
  }

  /// Of the next token, before any training.
  public Loss loss() {
    return outcome.loss();
  }

  /// A layer of both models.
  ///
  /// @param layer index
  /// @param own relative error of the worst token when both layers read the dense model's states:
  ///   what this layer alone adds
  /// @param accumulated relative error when each reads its own model's states
  /// @param gates smallest and largest sum of a token's gate weights; null in a dense layer
  public record Layer(int layer, double own, double accumulated, @Nullable Gates gates) {
    /// The sums of gate weights of a layer that has experts.
    public Optional<Gates> findGates() {
      return Optional.ofNullable(gates);
    }
  }

  /// Sums of the weights of a token's experts.
  public record Gates(double least, double most) {
    Gates and(Gates other) {
      return new Gates(Math.min(least, other.least), Math.max(most, other.most));
    }
  }

  /// Mean negative log-likelihood of the next token, in nats.
  public record Loss(double dense, double target) {}

  /// A negative control: one expert of one layer computes with the opposite sign.
  ///
  /// @param error relative error of the worst token, which must pass the bound
  public record Control(int layer, int expert, double error) {}

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
      if (!Double.isFinite(logits()) || !Double.isFinite(loss().target())) {
        failures.add(new Failure("logits", "not finite"));
      }
      return failures;
    }
    firstParting()
        .ifPresent(layer ->
            failures.add(
                new Failure(
                    "layer " + layer.layer(),
                    "the first layer that parts from the dense model: its own relative error is"
                        + " %.3g, accumulated %.3g, expected at most %.3g"
                            .formatted(layer.own(), layer.accumulated(), bound))));
    if (!(logits() <= bound)) {
      failures.add(
          new Failure(
              "logits", "relative error %.3g, expected at most %.3g".formatted(logits(), bound)));
    }
    findControl()
        .filter(wrong -> !(wrong.error() > bound))
        .ifPresent(wrong ->
            failures.add(
                new Failure(
                    "negative control",
                    ("expert %d of layer %d with the opposite sign gives a relative error of %.3g"
                            + " only: this check cannot see a wrong expert here")
                        .formatted(wrong.expert(), wrong.layer(), wrong.error()))));
    return failures;
  }

  /// Something that did not hold.
  ///
  /// @param subject a layer, the logits or the control
  public record Failure(String subject, String message) {}
}
