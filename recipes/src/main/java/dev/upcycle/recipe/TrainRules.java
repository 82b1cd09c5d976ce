package dev.upcycle.recipe;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// What values of stages must be to one another.
final class TrainRules {
  private static final KeyPath STAGES = KeyPath.ROOT.child("train").child("stages");

  private final Leaves leaves;
  private final List<Complaint> complaints = new ArrayList<>();

  private TrainRules(Leaves leaves) {
    this.leaves = leaves;
  }

  static List<Complaint> complaints(Leaves leaves) {
    TrainRules rules = new TrainRules(leaves);
    Set<KeyPath> upcycling = new HashSet<>();
    for (int index = 0; index < leaves.size(STAGES); index++) {
      KeyPath stage = STAGES.child(String.valueOf(index));
      rules.batch(stage);
      rules.upcycle(stage.child("upcycle"), upcycling);
      rules.rates(stage.child("rates"));
      rules.cooldown(stage.child("schedule"));
      if (index == 0) {
        rules.nothingBefore(stage.child("carry"));
      }
    }
    return rules.complaints;
  }

  private void batch(KeyPath stage) {
    Optional<Leaves.Value> batch = leaves.find(stage.child("batch"));
    Optional<Leaves.Value> micro = leaves.find(stage.child("micro_batch"));
    if (batch.isPresent()
        && micro.isPresent()
        && (Long) batch.get().value() % (Long) micro.get().value() != 0) {
      boolean byDefault = batch.get().place().equals(Place.DEFAULT);
      Place place = byDefault ? micro.get().place() : batch.get().place();
      complain(
          place,
          stage.child("batch"),
          "found %s of micro-batches of %s; expected a multiple of micro_batch"
              .formatted(batch.get().yaml(), micro.get().yaml()));
    }
  }

  private void upcycle(KeyPath path, Set<KeyPath> upcycling) {
    Optional<Leaves.Value> parts = leaves.find(path);
    if (parts.isEmpty()) {
      return;
    }
    Place place = parts.get().place();
    for (String part : leaves.words(path)) {
      if (!leaves.has(KeyPath.ROOT.child(part))) {
        complain(
            place,
            path,
            "found %s, of which the recipe says nothing; expected a section `%s:` beside `train:`"
                .formatted(part, part));
      }
    }
    upcycling.add(path);
    if (upcycling.size() > 1) {
      complain(
          place,
          path,
          "found %s in a second stage; expected one stage in which all parts become experts"
              .formatted(parts.get().yaml()));
    }
  }

  private void rates(KeyPath path) {
    boolean given = leaves.has(path);
    boolean frozen =
        leaves.below(path).values().stream().allMatch(rate -> (Double) rate.value() == 0);
    if (given && frozen) {
      leaves.below(path).values().stream()
          .findFirst()
          .ifPresent(rate -> complain(rate.place(), path, "nothing trains: all rates are 0"));
    }
  }

  private void cooldown(KeyPath schedule) {
    KeyPath path = schedule.child("cooldown");
    Optional<Leaves.Value> down = leaves.find(path);
    Optional<Leaves.Value> up = leaves.find(schedule.child("warmup").child("ratio"));
    if (down.isPresent()
        && up.isPresent()
        && (Double) down.get().value() + (Double) up.get().value() > 1) {
      complain(
          down.get().place(),
          path,
          "found %s after a warmup.ratio of %s; expected 1 together at most, or it falls before it has risen"
              .formatted(down.get().yaml(), up.get().yaml()));
    }
  }

  private void nothingBefore(KeyPath carry) {
    List<String> keys = List.of("schedule", "moments", "data");
    List<String> fresh = List.of("reset", "reset", "restart");
    for (int i = 0; i < keys.size(); i++) {
      KeyPath path = carry.child(keys.get(i));
      Optional<Leaves.Value> value = leaves.find(path);
      String only = fresh.get(i);
      value
          .filter(found -> !found.value().equals(only))
          .ifPresent(found ->
              complain(
                  found.place(),
                  path,
                  "found %s in the first stage, which nothing comes before; expected %s"
                      .formatted(found.yaml(), only)));
    }
  }

  private void complain(Place place, KeyPath path, String message) {
    complaints.add(place.complaint(path, message));
  }
}
