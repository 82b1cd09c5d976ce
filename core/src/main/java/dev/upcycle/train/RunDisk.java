package dev.upcycle.train;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.DType;
import dev.upcycle.checkpoint.TensorSpec;
import dev.upcycle.checkpoint.write.ResourceException;
import dev.upcycle.recipe.Stage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.Collectors;

/// Follows a run's stages through what they leave on the disk.
///
/// At once there lie, as [StageCheckpoints] prunes them, the newest two checkpoints, the one being
/// written, the best of a stage that measures, and the one that a stage goes on from.
final class RunDisk {
  private static final int NEWEST = 2;

  /// As many as can lie there at once; what comes after changes nothing.
  private static final long TOLD_APART = NEWEST + 2;

  /// Numbers that the optimizer keeps of each that trains, beside master and average.
  private static final long MOMENTS = 2;

  private final Checkpoint source;
  private final long companions;
  private Map<String, DType> types = new HashMap<>();
  private final List<Saved> held = new ArrayList<>();
  private Optional<Saved> left = Optional.empty();
  private long upcycled;
  private OptionalLong kept = OptionalLong.of(0);
  private OptionalLong steps = OptionalLong.of(0);
  private DiskForecast most = new DiskForecast(0, 0, 0, OptionalLong.empty());

  private RunDisk(Checkpoint source) {
    this.source = source;
    this.companions = companions(source);
  }

  /// A checkpoint, told from others of equal size by its place in the run.
  private record Saved(int stage, long place, long bytes) {}

  /// What a run needs.
  ///
  /// @param models of the stages
  static DiskForecast forecast(Checkpoint source, List<Stage> stages, List<PlannedModel> models) {
    RunDisk disk = new RunDisk(source);
    long result = 0;
    for (int index = 0; index < stages.size(); index++) {
      result = disk.stage(index, stages.get(index), models.get(index));
    }
    disk.holds(sum(disk.held), result);
    DiskForecast most = disk.most;
    return new DiskForecast(most.checkpoints(), most.upcycled(), most.result(), disk.kept);
  }

  private static long companions(Checkpoint source) {
    long bytes = 0;
    for (Path companion : source.companions()) {
      try {
        bytes = Math.addExact(bytes, Files.size(companion));
      } catch (IOException e) {
        throw new ResourceException("cannot read " + companion + ": " + e, e);
      }
    }
    return bytes;
  }

  private static long sum(List<Saved> checkpoints) {
    return checkpoints.stream().mapToLong(Saved::bytes).reduce(0, Math::addExact);
  }

  private void holds(long checkpoints, long result) {
    DiskForecast now = new DiskForecast(checkpoints, upcycled, result, OptionalLong.empty());
    most = now.bytes() > most.bytes() ? now : most;
  }

  /// Follows a stage; bytes of the model that it leaves.
  private long stage(int index, Stage stage, PlannedModel model) {
    Optional<Saved> base = left;
    if (!stage.start().upcycle().isEmpty()) {
      upcycle(model);
      base = Optional.empty();
    }
    long moments = moments(stage, model);
    long own = bytes(model);
    long models = stage.updates().average().isPresent() ? Math.addExact(own, own) : own;
    long checkpoint = Math.addExact(models, moments);
    save(index, checkpoint, stage, base);
    keep(checkpoint, stage);
    return own;
  }

  /// What trained before keeps its type, unless it is cast.
  private void upcycle(PlannedModel model) {
    Map<String, DType> before = types;
    types = new HashMap<>();
    for (TensorSpec tensor : model.tensors()) {
      Optional.ofNullable(model.origins().get(tensor.name()))
          .filter(origin -> source.require(origin).dtype() == tensor.dtype())
          .map(before::get)
          .ifPresent(type -> types.put(tensor.name(), type));
    }
    upcycled = Math.addExact(upcycled, bytes(model));
  }

  /// The checkpoints of a stage one after the other, the first measurement taken for the best.
  ///
  /// @param bytes of each of them
  /// @param base what the stage goes on from
  private void save(int index, long bytes, Stage stage, Optional<Saved> base) {
    Optional<Saved> best = Optional.empty();
    long last = Math.min(saves(stage), TOLD_APART);
    for (long place = 1; place <= last; place++) {
      Saved saved = new Saved(index, place, bytes);
      holds(Math.addExact(sum(held), bytes), 0);
      held.add(saved);
      if (best.isEmpty() && stage.validation().isPresent()) {
        best = Optional.of(saved);
      }
      Set<Saved> stay = new HashSet<>(held.subList(Math.max(0, held.size() - NEWEST), held.size()));
      best.ifPresent(stay::add);
      if (place < last) {
        base.ifPresent(stay::add);
      }
      held.retainAll(stay);
    }
    boolean leavesBest =
        stage.validation().filter(each -> each.result() == Stage.Result.BEST).isPresent();
    left = leavesBest ? best : Optional.of(held.getLast());
  }

  /// The most that `keep_every` keeps of a stage: as many as the run's steps in it that it divides,
  /// or as it saves; unknown once a stage takes as many steps as its data give.
  private void keep(long bytes, Stage stage) {
    Optional<Integer> every = stage.checkpoints().keepEvery();
    OptionalLong before = steps;
    Optional<Integer> own = stage.pace().steps();
    steps =
        own.isPresent() && before.isPresent()
            ? OptionalLong.of(before.getAsLong() + own.get())
            : OptionalLong.empty();
    if (every.isEmpty() || kept.isEmpty()) {
      return;
    }
    if (steps.isEmpty()) {
      kept = OptionalLong.empty();
      return;
    }
    long divided = steps.getAsLong() / every.get() - before.getAsLong() / every.get();
    long most = Math.multiplyExact(Math.min(divided, saves(stage)), bytes);
    kept = OptionalLong.of(Math.addExact(kept.getAsLong(), most));
  }

  private long bytes(PlannedModel model) {
    long bytes = companions;
    for (TensorSpec tensor : model.tensors()) {
      bytes = Math.addExact(bytes, tensor.shape().bytes(type(tensor)));
    }
    return bytes;
  }

  private DType type(TensorSpec tensor) {
    return types.getOrDefault(tensor.name(), tensor.dtype());
  }

  /// Gives what trains its stage's type; bytes of the optimizer's file.
  private long moments(Stage stage, PlannedModel model) {
    ParameterChoice choice = new ParameterChoice(model.names());
    Set<String> placed = new HashSet<>(model.placed());
    Map<String, String> tied =
        TiedHeads.of(
            model.names(),
            model.tensors().stream().map(TensorSpec::name).collect(Collectors.toSet()));
    DType trained = ModelFiles.type(stage.compute().precision());
    long each =
        Float.BYTES
            * (MOMENTS
                + (trained == DType.F32 ? 0L : 1L)
                + (stage.updates().average().isPresent() ? 1L : 0L));
    long bytes = 0;
    for (TensorSpec tensor : model.tensors()) {
      String weight = tied.getOrDefault(tensor.name(), tensor.name());
      if (placed.contains(weight) && choice.rate(weight, stage.updates()) > 0) {
        types.put(tensor.name(), trained);
        if (weight.equals(tensor.name())) {
          bytes = Math.addExact(bytes, Math.multiplyExact(each, tensor.shape().elements()));
        }
      }
    }
    return bytes;
  }

  /// The most checkpoints of a stage, the one of its end among them.
  private static long saves(Stage stage) {
    Optional<Integer> due = stage.checkpoints().every();
    Optional<Integer> measured = stage.validation().flatMap(Stage.Validation::every);
    long between =
        due.map(every -> multiples(stage, every)).orElse(0L)
            + measured.map(every -> multiples(stage, every)).orElse(0L);
    if (due.isPresent() && measured.isPresent()) {
      long one = due.get();
      long other = measured.get();
      between -= multiples(stage, one / gcd(one, other) * other);
    }
    return between + 1;
  }

  /// Steps before the last of a stage that are multiples of a number.
  private static long multiples(Stage stage, long number) {
    long last = stage.pace().steps().orElse(Integer.MAX_VALUE);
    return (last - 1) / number;
  }

  private static long gcd(long one, long other) {
    return other == 0 ? one : gcd(other, one % other);
  }
}
