package dev.upcycle.recipe;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;

/// Turns checked values into a [Training].
final class TrainBuilder {
  private static final KeyPath STAGES = KeyPath.ROOT.child("train").child("stages");

  private final Leaves leaves;

  private TrainBuilder(Leaves leaves) {
    this.leaves = leaves;
  }

  /// Empty where the recipe trains nothing.
  static Optional<Training> build(Leaves leaves) {
    TrainBuilder builder = new TrainBuilder(leaves);
    List<Stage> stages = new ArrayList<>();
    for (int index = 0; index < leaves.size(STAGES); index++) {
      stages.add(builder.stage(STAGES.child(String.valueOf(index))));
    }
    return stages.isEmpty() ? Optional.empty() : Optional.of(new Training(stages));
  }

  private Stage stage(KeyPath path) {
    DataSettings data = data(path.child("data"));
    return new Stage(
        leaves.word(path.child("name")),
        start(path),
        updates(path),
        new Stage.Pace(
            leaves.count(path.child("batch")),
            leaves.count(path.child("micro_batch")),
            leaves.count(path.child("epochs")),
            leaves.findCount(path.child("steps"))),
        new Stage.Computation(
            constant(Stage.Precision.class, path.child("precision")),
            constant(Stage.Recomputation.class, path.child("recompute"))),
        losses(path.child("losses")),
        data,
        validation(path.child("validate"), data),
        new Stage.Checkpoints(
            leaves.findCount(path.child("checkpoint").child("every")),
            leaves.findCount(path.child("checkpoint").child("keep_every"))));
  }

  private Start start(KeyPath path) {
    KeyPath upcycle = path.child("upcycle");
    List<Part> parts =
        leaves.find(upcycle).isEmpty()
            ? List.of()
            : leaves.words(upcycle).stream()
                .map(word -> Part.valueOf(word.toUpperCase(Locale.ROOT)))
                .toList();
    KeyPath carry = path.child("carry");
    return new Start(
        parts,
        constant(Start.Schedule.class, carry.child("schedule")),
        constant(Start.Moments.class, carry.child("moments")),
        constant(Start.Data.class, carry.child("data")));
  }

  private Updates updates(KeyPath path) {
    SequencedMap<String, Double> rates = new LinkedHashMap<>();
    leaves
        .below(path.child("rates"))
        .forEach((pattern, rate) -> rates.put(pattern, (Double) rate.value()));
    KeyPath optimizer = path.child("optimizer");
    List<?> betas = (List<?>) leaves.value(optimizer.child("betas"));
    Updates.AdamWSettings adamw =
        new Updates.AdamWSettings(
            (Double) betas.get(0),
            (Double) betas.get(1),
            leaves.number(optimizer.child("epsilon")),
            leaves.number(optimizer.child("weight_decay")),
            leaves.words(optimizer.child("no_decay")));
    return new Updates(
        rates,
        adamw,
        schedule(path.child("schedule")),
        Optional.of(leaves.value(path.child("clip_norm")))
            .filter(Double.class::isInstance)
            .map(Double.class::cast),
        Optional.of(leaves.number(path.child("ema"))).filter(decay -> decay > 0));
  }

  private Updates.ScheduleSettings schedule(KeyPath path) {
    String kind = leaves.word(path.child("kind"));
    Updates.Course course =
        switch (kind) {
          case "cosine" -> new Updates.Course.Cosine(leaves.number(path.child("final")));
          case "linear" -> new Updates.Course.Linear(leaves.number(path.child("final")));
          case "constant" -> new Updates.Course.Constant(leaves.number(path.child("cooldown")));
          default -> throw new IllegalStateException("unchecked " + path + " " + kind);
        };
    KeyPath warmup = path.child("warmup");
    return new Updates.ScheduleSettings(
        course,
        new Updates.Warmup(
            constant(Updates.Rise.class, warmup.child("kind")),
            leaves.number(warmup.child("ratio"))));
  }

  private AuxiliaryLosses losses(KeyPath path) {
    KeyPath balance = path.child("balance");
    return new AuxiliaryLosses(
        constant(AuxiliaryLosses.Balance.class, balance.child("kind")),
        weights(balance),
        weights(path.child("router_z")),
        leaves
            .find(balance.child("filler"))
            .map(_ -> constant(AuxiliaryLosses.Filler.class, balance.child("filler")))
            .orElse(AuxiliaryLosses.Filler.LEFT_OUT));
  }

  private AuxiliaryLosses.Weights weights(KeyPath path) {
    Map<Part, Double> own = new EnumMap<>(Part.class);
    for (Part part : Part.values()) {
      leaves
          .find(path.child("parts").child(part.key()))
          .ifPresent(found -> own.put(part, (Double) found.value()));
    }
    return new AuxiliaryLosses.Weights(leaves.number(path.child("weight")), own);
  }

  private DataSettings data(KeyPath path) {
    return new DataSettings(
        (Path) leaves.value(path.child("path")),
        leaves.find(path.child("images")).map(found -> (Path) found.value()),
        constant(DataSettings.Template.class, path.child("template")),
        constant(DataSettings.Aspect.class, path.child("image_aspect")),
        leaves.count(path.child("max_tokens")),
        constant(DataSettings.Sampling.class, path.child("sampler")));
  }

  private Optional<Stage.Validation> validation(KeyPath path, DataSettings data) {
    return leaves
        .find(path.child("path"))
        .map(found ->
            new Stage.Validation(
                ((List<?>) found.value()).stream().map(Path.class::cast).map(data::at).toList(),
                leaves.findCount(path.child("every")),
                leaves.findCount(path.child("rows")),
                leaves.findCount(path.child("patience")),
                constant(Stage.Result.class, path.child("result"))));
  }

  private <T extends Enum<T>> T constant(Class<T> type, KeyPath path) {
    return Enum.valueOf(type, leaves.word(path).toUpperCase(Locale.ROOT));
  }
}
