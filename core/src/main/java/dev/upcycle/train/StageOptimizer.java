package dev.upcycle.train;

import dev.upcycle.kernels.optim.AdamW;
import dev.upcycle.kernels.optim.GradientNorm;
import dev.upcycle.kernels.tensor.Fused;
import dev.upcycle.kernels.tensor.Gradients;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.recipe.Updates;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;

/// AdamW over groups of parameters, behind one limit of all gradients.
///
/// Owns its moments until it is closed, not the parameters.
final class StageOptimizer implements AutoCloseable {
  private final List<Group> groups;
  private final Updates.AdamWSettings settings;
  private final Optional<Double> limit;

  private record Group(ParameterGroup parameters, AdamW adamw) {}

  /// An optimizer that has taken no step; from now on gradients of the parameters are collected.
  StageOptimizer(List<ParameterGroup> groups, Updates updates) {
    List<Group> made = new ArrayList<>();
    for (ParameterGroup group : groups) {
      group.parameters().values().forEach(Gradients::track);
      made.add(new Group(group, new AdamW(group.parameters())));
    }
    this.groups = List.copyOf(made);
    this.settings = updates.optimizer();
    this.limit = updates.clipNorm();
  }

  /// What a step found.
  ///
  /// @param gradientNorm before it was shortened
  /// @param largestRate of the groups' rates
  record Taken(double gradientNorm, double largestRate) {}

  /// Steps with the gradients that were collected, and forgets them; none is taken where their norm
  /// is not finite.
  ///
  /// @param share of the peak rates
  Taken step(double share) {
    List<Tensor> parameters = List.copyOf(parameters().values());
    double norm = GradientNorm.of(parameters);
    double factor = limit.map(most -> GradientNorm.factor(norm, most)).orElse(1.0);
    List<Double> rates = groups.stream().map(group -> group.parameters().rate() * share).toList();
    for (int i = 0; i < groups.size() && Double.isFinite(norm); i++) {
      Group group = groups.get(i);
      group
          .adamw()
          .step(
              new Fused.AdamWRates(
                  rates.get(i),
                  settings.beta1(),
                  settings.beta2(),
                  group.parameters().decay(),
                  settings.epsilon()),
              factor);
    }
    groups.forEach(group -> group.adamw().clearGradients());
    return new Taken(norm, rates.stream().mapToDouble(Double::doubleValue).max().orElse(0));
  }

  /// All that trains, by name.
  SequencedMap<String, Tensor> parameters() {
    SequencedMap<String, Tensor> all = new LinkedHashMap<>();
    groups.forEach(group -> all.putAll(group.parameters().parameters()));
    return Collections.unmodifiableSequencedMap(all);
  }

  /// The moments of all that trains, by name.
  SequencedMap<String, AdamW.Moments> moments() {
    SequencedMap<String, AdamW.Moments> all = new LinkedHashMap<>();
    for (Group group : groups) {
      group
          .parameters()
          .parameters()
          .keySet()
          .forEach(name -> {
            AdamW.Moments moments = group.adamw().moments().get(name);
            if (moments != null) {
              all.put(name, moments);
            }
          });
    }
    return Collections.unmodifiableSequencedMap(all);
  }

  @Override
  public void close() {
    groups.forEach(group -> group.adamw().close());
  }
}
