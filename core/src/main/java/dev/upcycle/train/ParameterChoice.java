package dev.upcycle.train;

import dev.upcycle.arch.Composition;
import dev.upcycle.arch.ModelPart;
import dev.upcycle.arch.Role;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.plan.PlanException;
import dev.upcycle.recipe.Updates;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/// Which tensors of a model the words and patterns of a recipe mean.
public final class ParameterChoice {
  private final Composition model;

  /// @param model whose tensors they are
  public ParameterChoice(Composition model) {
    this.model = model;
  }

  /// Groups of the parameters that train: those that a rate above 0 holds for, by rate and decay.
  ///
  /// @throws PlanException naming every word and pattern that fits nothing, and when nothing trains
  public List<ParameterGroup> groups(SequencedMap<String, Tensor> parameters, Updates updates) {
    Updates.AdamWSettings settings = updates.optimizer();
    requireUse(parameters.keySet(), updates);
    Map<Pace, SequencedMap<String, Tensor>> groups = new LinkedHashMap<>();
    parameters.forEach((name, tensor) -> {
      double rate = rate(name, updates);
      if (rate > 0) {
        boolean fixed = settings.noDecay().stream().anyMatch(what -> means(what, name));
        Pace pace = new Pace(rate, fixed ? 0 : settings.decay());
        groups.computeIfAbsent(pace, _ -> new LinkedHashMap<>()).put(name, tensor);
      }
    });
    if (groups.isEmpty()) {
      throw new PlanException(List.of("nothing trains: the rates leave every tensor frozen"));
    }
    List<ParameterGroup> found = new ArrayList<>();
    groups.forEach((pace, own) -> found.add(new ParameterGroup(pace.rate(), pace.decay(), own)));
    return found;
  }

  private record Pace(double rate, double decay) {}

  /// The peak rate of a tensor; 0 is frozen.
  double rate(String name, Updates updates) {
    double rate = 0;
    for (Map.Entry<String, Double> given : updates.rates().entrySet()) {
      rate = means(given.getKey(), name) ? given.getValue() : rate;
    }
    return rate;
  }

  private void requireUse(Collection<String> names, Updates updates) {
    List<String> reasons = new ArrayList<>();
    for (String what : updates.rates().keySet()) {
      if (names.stream().noneMatch(name -> means(what, name))) {
        reasons.add("rates: '%s' fits no tensor of the model; %s".formatted(what, known(names)));
      }
    }
    for (String what : updates.optimizer().noDecay()) {
      if (names.stream().noneMatch(name -> means(what, name))) {
        reasons.add(
            "optimizer.no_decay: '%s' fits no tensor of the model; %s"
                .formatted(what, known(names)));
      }
    }
    if (!reasons.isEmpty()) {
      throw new PlanException(reasons);
    }
  }

  private static String known(Collection<String> names) {
    return "known are %s and patterns of names such as %s"
        .formatted(
            String.join(", ", Updates.WORDS),
            names.stream().skip(names.size() / 2).findFirst().orElse("*"));
  }

  /// Whether a word or pattern means a tensor.
  boolean means(String what, String name) {
    Optional<ModelPart> owner = model.owner(name);
    Optional<Role> role =
        owner.flatMap(part -> part.match(name)).map(match -> match.template().role());
    return switch (what) {
      case "all" -> true;
      case "language", "vision", "connector" ->
          owner.flatMap(ModelPart::part).filter(part -> part.key().equals(what)).isPresent();
      case "experts" -> role.filter(Role::isExpert).isPresent();
      case "routers" -> role.filter(found -> found.kind() == Role.Kind.ROUTER).isPresent();
      default -> pattern(what).matcher(name).matches();
    };
  }

  private static Pattern pattern(String glob) {
    return Pattern.compile(
        Arrays.stream(glob.split("\\*", -1)).map(Pattern::quote).collect(Collectors.joining(".*")));
  }
}
