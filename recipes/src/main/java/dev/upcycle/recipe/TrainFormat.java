package dev.upcycle.recipe;

import static dev.upcycle.recipe.Key.Absence.FILLED;
import static dev.upcycle.recipe.Key.Absence.LEFT_OUT;
import static dev.upcycle.recipe.Key.Absence.REFUSED;

import java.util.List;
import java.util.stream.Stream;

/// The keys of `train`, as [Format] knows the others.
final class TrainFormat {
  private static final Leaf COUNT = new Leaf.Whole(1, Integer.MAX_VALUE);

  private static final Shape CARRY =
      new Shape.Section(
          List.of(
              Key.withDefault("schedule", new Leaf.Word(List.of("reset", "keep")), "reset"),
              Key.withDefault("moments", new Leaf.Word(List.of("reset", "copy")), "reset"),
              Key.withDefault("data", new Leaf.Word(List.of("restart", "keep")), "restart")));

  private static final Shape OPTIMIZER =
      new Shape.Choice(
          Format.kinds(
              List.of(
                  new Format.Kind(
                      "adamw",
                      List.of(
                          Key.withDefault(
                              "betas",
                              new Leaf.Several(new Leaf.Ranged(0, 1, true), 2),
                              List.of(0.9, 0.999)),
                          Key.withDefault("epsilon", new Leaf.Positive(), 1e-8),
                          Key.withDefault("weight_decay", Leaf.Ranged.notNegative(), 0.0),
                          Key.withDefault("no_decay", new Leaf.Texts(), List.of()))))),
          "adamw");

  private static final Key WARMUP =
      Key.of(
          "warmup",
          new Shape.Section(
              List.of(
                  Key.withDefault("kind", new Leaf.Word(List.of("linear", "log")), "linear"),
                  Key.withDefault("ratio", Leaf.Ranged.share(), 0.0))),
          FILLED);
  private static final Key FINAL = Key.withDefault("final", Leaf.Ranged.share(), 0.0);
  private static final Shape SCHEDULE =
      new Shape.Choice(
          Format.kinds(
              List.of(
                  new Format.Kind("cosine", List.of(FINAL, WARMUP)),
                  new Format.Kind("linear", List.of(FINAL, WARMUP)),
                  new Format.Kind(
                      "constant",
                      List.of(Key.withDefault("cooldown", Leaf.Ranged.share(), 0.0), WARMUP)))),
          "cosine");

  private static final Key WEIGHT = Key.withDefault("weight", Leaf.Ranged.notNegative(), 0.0);
  private static final Key PARTS =
      Key.of(
          "parts",
          new Shape.Section(
              Stream.of(Part.values())
                  .map(part -> Key.of(part.key(), Leaf.Ranged.notNegative(), LEFT_OUT))
                  .toList()),
          LEFT_OUT);
  private static final Shape LOSSES =
      new Shape.Section(
          List.of(
              Key.of(
                  "balance",
                  new Shape.Choice(
                      Format.kinds(
                          List.of(
                              new Format.Kind("pooled", List.of(WEIGHT, PARTS)),
                              new Format.Kind("per_layer", List.of(WEIGHT, PARTS)),
                              new Format.Kind("switch", List.of(WEIGHT, PARTS)),
                              new Format.Kind(
                                  "cumo",
                                  List.of(
                                      WEIGHT,
                                      PARTS,
                                      Key.withDefault(
                                          "filler",
                                          new Leaf.Word(List.of("counted", "left_out")),
                                          "counted"))))),
                      "pooled"),
                  FILLED),
              Key.of("router_z", new Shape.Section(List.of(WEIGHT, PARTS)), FILLED)));

  private static final Leaf PATH = new Leaf.FilePath();
  private static final Shape DATA =
      new Shape.Section(
          List.of(
              Key.of("path", PATH, REFUSED),
              Key.of("images", PATH, LEFT_OUT),
              Key.withDefault(
                  "template",
                  new Leaf.Word(List.of("text", "chat", "plain", "mistral_instruct_system", "v1")),
                  "text"),
              Key.withDefault("image_aspect", new Leaf.Word(List.of("square", "pad")), "square"),
              Key.withDefault("max_tokens", new Leaf.Whole(2, Integer.MAX_VALUE), 2048L),
              Key.withDefault(
                  "sampler", new Leaf.Word(List.of("random", "modality_length")), "random")));

  private static final Shape VALIDATE =
      new Shape.Section(
          List.of(
              Key.of("path", new Leaf.FilePaths(), REFUSED),
              Key.of("every", COUNT, LEFT_OUT),
              Key.of("rows", COUNT, LEFT_OUT),
              Key.of("patience", COUNT, LEFT_OUT),
              Key.withDefault("result", new Leaf.Word(List.of("last", "best")), "last")));

  private static final Shape CHECKPOINT =
      new Shape.Section(
          List.of(Key.of("every", COUNT, LEFT_OUT), Key.of("keep_every", COUNT, LEFT_OUT)));

  private static final List<Key> SHARED =
      List.of(
          Key.of("rates", new Shape.Numbers(Leaf.Ranged.notNegative()), REFUSED),
          Key.of("optimizer", OPTIMIZER, FILLED),
          Key.of("schedule", SCHEDULE, FILLED),
          Key.withDefault("clip_norm", new Leaf.WordOrNumber("none"), "none"),
          Key.withDefault("ema", new Leaf.Ranged(0, 1, true), 0.0),
          Key.withDefault("batch", COUNT, 8L),
          Key.withDefault("micro_batch", COUNT, 1L),
          Key.withDefault("epochs", COUNT, 1L),
          Key.of("steps", COUNT, LEFT_OUT),
          Key.withDefault("precision", new Leaf.Word(List.of("f32", "bf16")), "f32"),
          Key.withDefault("recompute", new Leaf.Word(List.of("none", "layers")), "none"),
          Key.of("losses", LOSSES, FILLED),
          Key.of("data", DATA, REFUSED),
          Key.of("validate", VALIDATE, LEFT_OUT),
          Key.of("checkpoint", CHECKPOINT, FILLED));

  /// What all stages take that do not say it themselves.
  static final Shape.Section DEFAULTS = new Shape.Section(SHARED);

  /// One stage.
  static final Shape.Section STAGE =
      new Shape.Section(
          Stream.concat(
                  Stream.of(
                      Key.of("name", Format.NAME, REFUSED),
                      Key.of(
                          "upcycle",
                          new Leaf.Words(Stream.of(Part.values()).map(Part::key).toList(), ""),
                          LEFT_OUT),
                      Key.of("carry", CARRY, FILLED)),
                  SHARED.stream())
              .toList());

  /// The whole section.
  static final Shape.Section TRAIN =
      new Shape.Section(
          List.of(
              Key.of("defaults", DEFAULTS, LEFT_OUT),
              Key.of("stages", new Shape.Items(STAGE, "name"), REFUSED)));

  private TrainFormat() {}
}
