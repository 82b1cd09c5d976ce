package dev.upcycle.cli.command;

import dev.upcycle.arch.Architecture;
import dev.upcycle.calibrate.ExpertPrompts;
import dev.upcycle.calibrate.RouterKind;
import dev.upcycle.calibrate.RouterKind.State;
import dev.upcycle.calibrate.RouterKind.Tokens;
import dev.upcycle.calibrate.RowScale;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.cli.terminal.Surroundings;
import dev.upcycle.plan.Families;
import dev.upcycle.plan.PlanException;
import dev.upcycle.recipe.Component;
import dev.upcycle.recipe.Experts;
import dev.upcycle.recipe.Recipe;
import dev.upcycle.recipe.Recipes;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// How a router's rows are made, for which target, and how large.
final class CalibrationRows {
  /// Where rows come from.
  enum Kind {
    hidden,
    centroid,
    mergekit
  }

  /// Tokens of a text that count.
  enum Which {
    all,
    last
  }

  private static final int USUAL_EXPERTS = 8;

  @Option(
      names = "--kind",
      paramLabel = "KIND",
      defaultValue = "hidden",
      description = "${COMPLETION-CANDIDATES}; default: ${DEFAULT-VALUE}.")
  private Kind kind = Kind.hidden;

  @Option(
      names = "--tokens",
      paramLabel = "WHICH",
      description =
          "Of each text the mean over all tokens, or the last one; default: all, for mergekit last"
              + " (its gate mode hidden; all is its hidden_avg).")
  private @Nullable Which tokens;

  @Option(
      names = "--experts",
      paramLabel = "N",
      description = "Experts per layer; default: the recipe's, or as many as texts, or 8.")
  private @Nullable Integer experts;

  @Option(
      names = "--recipe",
      paramLabel = "RECIPE",
      description = "Take the number of experts and the target from this recipe.")
  private @Nullable String recipe;

  @Option(
      names = "--target",
      paramLabel = "FAMILY",
      description = "Whose routers to make, such as mixtral; default: what fits the model.")
  private @Nullable String target;

  @Option(
      names = "--row-norm",
      paramLabel = "X",
      description = "Euclidean norm of every row; default: 1, as mergekit-moe has it.")
  private @Nullable Double rowNorm;

  @Option(
      names = "--logit-std",
      paramLabel = "X",
      description =
          "Instead: the norm, for each layer, with which the logits of a token have this standard"
              + " deviation about their mean.")
  private @Nullable Double logitStd;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "42",
      description =
          "Root of the draws: first centres, samples of long texts; default: ${DEFAULT-VALUE}.")
  private long seed = 42;

  long seed() {
    return seed;
  }

  /// The kind as users write it.
  String kind() {
    return kind.name();
  }

  /// The family whose routers are made.
  ///
  /// @throws PlanException when the model cannot become it
  Architecture target(ModelConfig model, Surroundings surroundings) {
    Families.refusal(model)
        .ifPresent(reason -> {
          throw new PlanException(List.of(reason));
        });
    Architecture family = Architecture.require(model.modelType());
    String wanted =
        Optional.ofNullable(target)
            .or(() -> recipe(surroundings).map(Recipe::target))
            .orElse("auto");
    String found = wanted.equals("auto") ? family.upcyclesTo().getFirst() : wanted;
    if (!family.upcyclesTo().contains(found)) {
      throw new PlanException(
          List.of(
              String.format(
                  Locale.ROOT,
                  "a %s cannot become %s here; expected auto or one of %s",
                  family.modelType(),
                  found,
                  String.join(", ", family.upcyclesTo()))));
    }
    return Architecture.require(found);
  }

  private Optional<Recipe> recipe(Surroundings surroundings) {
    return Optional.ofNullable(recipe)
        .map(name ->
            Recipes.resolve(
                    Recipes.text(name, surroundings.workingDirectory()),
                    List.of(),
                    surroundings.environment())
                .recipe());
  }

  private Optional<Integer> wantedExperts(Surroundings surroundings) {
    return Optional.ofNullable(experts)
        .or(() ->
            recipe(surroundings)
                .flatMap(Recipe::language)
                .map(Component::experts)
                .map(Experts::count));
  }

  /// How rows come about.
  RouterKind kind(List<ExpertPrompts> texts, Surroundings surroundings) {
    Optional<Integer> wanted = wantedExperts(surroundings);
    return switch (kind) {
      case hidden -> hidden(State.ROUTER_INPUT, Tokens.ALL, texts, wanted);
      case mergekit -> hidden(State.LAYER_INPUT, Tokens.LAST, texts, wanted);
      case centroid -> centroid(wanted.orElse(USUAL_EXPERTS));
    };
  }

  private RouterKind centroid(int count) {
    if (tokens != null) {
      throw new UsageException("--tokens does not apply to centroid, which looks at every token");
    }
    if (count < 1) {
      throw new UsageException("--experts " + count + ": expected at least 1");
    }
    return new RouterKind.Centroid(count, seed);
  }

  private RouterKind hidden(
      State at, Tokens usual, List<ExpertPrompts> texts, Optional<Integer> wanted) {
    wanted
        .filter(count -> count != texts.size())
        .ifPresent(count -> {
          throw new UsageException(
              "texts of %d experts for %d experts; %s wants a --text, or a list of --prompts, for each"
                  .formatted(texts.size(), count, kind));
        });
    return new RouterKind.Hidden(
        at,
        switch (tokens) {
          case null -> usual;
          case all -> Tokens.ALL;
          case last -> Tokens.LAST;
        });
  }

  /// How large rows become.
  RowScale scale() {
    if (rowNorm != null && logitStd != null) {
      throw new UsageException("--row-norm and --logit-std exclude each other");
    }
    try {
      return logitStd != null
          ? new RowScale.LogitStd(logitStd)
          : new RowScale.Norm(rowNorm == null ? 1 : rowNorm);
    } catch (IllegalArgumentException e) {
      throw new UsageException("--row-norm, --logit-std: " + e.getMessage());
    }
  }
}
