package dev.upcycle.train;

import dev.upcycle.arch.Composition;
import dev.upcycle.arch.Role;
import dev.upcycle.chat.ChatException;
import dev.upcycle.chat.jinja.TemplateException;
import dev.upcycle.data.DataException;
import dev.upcycle.data.ModelInput;
import dev.upcycle.data.StageData;
import dev.upcycle.data.TokenizerException;
import dev.upcycle.image.ImageException;
import dev.upcycle.plan.Discarded;
import dev.upcycle.plan.PlanException;
import dev.upcycle.recipe.AuxiliaryLosses;
import dev.upcycle.recipe.DataSettings;
import dev.upcycle.recipe.Origin;
import dev.upcycle.recipe.Part;
import dev.upcycle.recipe.Stage;
import dev.upcycle.recipe.Start;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.stream.Stream;

/// What of a recipe's stages can be seen to be wrong before the first step, later stages included:
/// a run that ends at its second stage has trained the first for nothing.
final class StageFit {
  private final TrainRun.Request request;
  private final List<Stage> stages;
  private final List<PlannedModel> models;
  private final List<String> reasons = new ArrayList<>();

  private StageFit(TrainRun.Request request, List<Stage> stages, List<PlannedModel> models) {
    this.request = request;
    this.stages = stages;
    this.models = models;
  }

  /// Holds stages against the models that they train and the data that they read.
  ///
  /// @throws PlanException with every reason at once, each with recipe, key path and stage
  static void require(TrainRun.Request request, List<Stage> stages, List<PlannedModel> models) {
    StageFit fit = new StageFit(request, stages, models);
    try (ModelInput input = ModelInput.of(request.source())) {
      for (int index = 0; index < stages.size(); index++) {
        fit.updates(index);
        fit.losses(index);
        fit.leftOut(index);
        fit.place(index);
        fit.data(index, input);
      }
    }
    if (!fit.reasons.isEmpty()) {
      throw new PlanException(fit.reasons);
    }
  }

  private void updates(int index) {
    PlannedModel model = models.get(index);
    new ParameterChoice(model.names())
        .misfits(model.placed(), stages.get(index).updates())
        .forEach(misfit ->
            refuse(new Place(index, misfit.key(), Optional.of(misfit.word())), misfit.reason()));
  }

  private void losses(int index) {
    AuxiliaryLosses losses = stages.get(index).losses();
    parts(index, "losses.balance.parts.", losses.balance());
    parts(index, "losses.router_z.parts.", losses.routerZ());
  }

  private void parts(int index, String key, AuxiliaryLosses.Weights weights) {
    PlannedModel model = models.get(index);
    for (Part part : weights.own().keySet().stream().sorted().toList()) {
      if (part != Part.LANGUAGE && model.names().find(part).isEmpty()) {
        refuse(
            index,
            key + part.key(),
            "a %s has no such part; leave it out".formatted(model.config().modelType()));
      }
    }
  }

  /// Biases that an upcycling leaves out, since they are zero, may not learn to be something else
  /// before.
  private void leftOut(int index) {
    for (Discarded left : models.get(index).discarded()) {
      for (int before = 0; before < index; before++) {
        Composition names = models.get(before).names();
        ParameterChoice choice = new ParameterChoice(names);
        if (isBias(left.name(), names)
            && choice.rate(left.name(), stages.get(before).updates()) > 0) {
          refuse(
              before,
              "rates",
              "%s trains, which stage %s leaves out when it upcycles (%s); expected \"%s\": 0"
                  .formatted(left.name(), stages.get(index).name(), left.reason(), left.name()));
        }
      }
    }
  }

  private static boolean isBias(String name, Composition names) {
    return names
        .owner(name)
        .flatMap(part -> part.match(name))
        .map(match -> match.template().role())
        .filter(role -> role == Role.FFN_BIAS || role == Role.ATTENTION_BIAS)
        .isPresent();
  }

  /// A place in the data is one in the same rows, in batches of the same size.
  private void place(int index) {
    Stage stage = stages.get(index);
    if (stage.start().data() != Start.Data.KEEP || index == 0) {
      return;
    }
    Stage before = stages.get(index - 1);
    boolean same =
        before.data().equals(stage.data()) && before.pace().batch() == stage.pace().batch();
    if (!same) {
      refuse(
          index,
          "carry.data",
          "found keep, and it reads other data or another batch than stage %s before it; expected the same, or restart"
              .formatted(before.name()));
    }
  }

  private void data(int index, ModelInput input) {
    Stage stage = stages.get(index);
    data(index, "data", new StageData(stage.data(), input));
    for (DataSettings source :
        stage.validation().map(Stage.Validation::sources).orElse(List.of())) {
      data(index, "validate", new StageData(source, input));
    }
  }

  private void data(int index, String section, StageData data) {
    if (data.settings().images().isPresent() && data.model().images().isEmpty()) {
      refuse(
          index,
          section + ".images",
          "found a folder of images, and a %s sees none; leave it out"
              .formatted(request.source().config().modelType()));
      return;
    }
    try {
      data.requireBeginning(request.skip());
    } catch (DataException
        | ChatException
        | TemplateException
        | TokenizerException
        | ImageException e) {
      refuse(index, section, String.valueOf(e.getMessage()));
    }
  }

  /// Where a reason stands in a recipe.
  ///
  /// @param index of the stage
  /// @param word below the key, where there is one
  private record Place(int index, String key, Optional<String> word) {
    String path() {
      return "train.stages.%d.%s".formatted(index, key);
    }

    /// Whether a key path leads there; one segment may be in quotes.
    boolean isOf(String keyPath) {
      return word.isPresent()
          && keyPath.startsWith(path())
          && keyPath.substring(path().length()).replace("\"", "").equals("." + word.get());
    }
  }

  private void refuse(int index, String key, String reason) {
    refuse(new Place(index, key, Optional.empty()), reason);
  }

  private void refuse(Place place, String reason) {
    String path = place.path();
    SequencedMap<String, Origin> origins = request.recipe().origins();
    String source =
        Stream.concat(
                origins.entrySet().stream().filter(origin -> place.isOf(origin.getKey())),
                origins.entrySet().stream().filter(origin -> origin.getKey().startsWith(path)))
            .map(Map.Entry::getValue)
            .map(Origin::detail)
            .filter(detail -> !detail.isEmpty())
            .findFirst()
            .orElse("recipe " + request.recipe().recipe().name());
    reasons.add(
        "%s: %s of stage %s: %s".formatted(source, path, stages.get(place.index()).name(), reason));
  }
}
