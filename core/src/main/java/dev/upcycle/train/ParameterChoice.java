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
    List<Misfit> misfits = misfits(parameters.keySet(), updates);
    if (!misfits.isEmpty()) {
      throw new PlanException(
          misfits.stream().map(misfit -> misfit.key() + ": " + misfit.reason()).toList());
    }
    Map<Pace, SequencedMap<String, Tensor>> groups = new LinkedHashMap<>();
    parameters.forEach((name, tensor) -> {
      double rate = rate(name, updates);
      if (rate > 0) {
        boolean fixed = settings.noDecay().stream().anyMatch(what -> means(what, name));
        Pace pace = new Pace(rate, fixed ? 0 : settings.decay());
        groups.computeIfAbsent(pace, _ -> new LinkedHashMap<>()).put(name, tensor);
      }
    });
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

  /// What does not fit a model.
  ///
  /// @param key of a stage
  /// @param word of that key's; empty where it is about all of them
  /// @param reason what stands there, what was expected
  record Misfit(String key, String word, String reason) {}

  /// Every word and pattern that fits no tensor, and whether nothing trains.
  ///
  /// @param names of the model's tensors
  List<Misfit> misfits(Collection<String> names, Updates updates) {
    List<Misfit> misfits = new ArrayList<>();
    misfits("rates", updates.rates().keySet(), names, misfits);
    misfits("optimizer.no_decay", updates.optimizer().noDecay(), names, misfits);
    if (misfits.isEmpty() && names.stream().noneMatch(name -> rate(name, updates) > 0)) {
      misfits.add(new Misfit("rates", "", "nothing trains: the rates leave every tensor frozen"));
    }
    return misfits;
  }

  private void misfits(
      String key, Collection<String> words, Collection<String> names, List<Misfit> misfits) {
    for (String what : words) {
      if (names.stream().noneMatch(name -> means(what, name))) {
        misfits.add(
            new Misfit(
                key,
                what,
                "'%s' fits no tensor of the model%s".formatted(what, meant(what, names))));
      }
    }
  }

  private String meant(String what, Collection<String> names) {
    String within = "*" + what + "*";
    Optional<String> near =
        names.stream().anyMatch(name -> means(within, name))
            ? Optional.of("\"" + within + "\"")
            : Updates.nearestWord(what);
    return near.filter(word -> !word.equals(what))
        .map(word -> "; did you mean " + word + "?")
        .orElseGet(() ->
            "; expected one of %s, or a pattern of names such as %s"
                .formatted(
                    Updates.WORDS.stream()
                        .filter(word -> names.stream().anyMatch(name -> means(word, name)))
                        .collect(Collectors.joining(", ")),
                    names.stream().skip(names.size() / 2).findFirst().orElse("*")));
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
