package dev.upcycle.convert;

import dev.upcycle.checkpoint.DType;
import dev.upcycle.checkpoint.TensorEntry;
import dev.upcycle.checkpoint.write.FileRange;
import dev.upcycle.checkpoint.write.ShardLayout;
import dev.upcycle.dialect.StoredTensor;
import dev.upcycle.plan.TensorStep;
import dev.upcycle.plan.UpcyclePlan;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// The work that fills one shard: copies that share a source slice are one task, so that it is read
/// once.
final class ShardTasks {
  private final Map<String, TensorStep> steps = new HashMap<>();
  private final Map<String, StoredTensor> stored = new HashMap<>();

  ShardTasks(UpcyclePlan plan) {
    plan.steps().forEach(step -> steps.put(step.target().name(), step));
    StoredTensor.of(plan.target().modelType(), plan.tensors())
        .forEach(tensor -> stored.put(tensor.spec().name(), tensor));
  }

  /// The tasks of a shard that lies in this file.
  List<FillTask> of(ShardLayout.Shard shard, Path file) {
    Map<CopyKey, List<FileRange.Start>> copies = new LinkedHashMap<>();
    List<FillTask> tasks = new ArrayList<>();
    for (ShardLayout.Placement placement : shard.tensors()) {
      for (StoredTensor.Piece piece : require(stored, placement.tensor().name()).pieces()) {
        FileRange.Start start = new FileRange.Start(file, placement.offset() + piece.offset());
        switch (require(steps, piece.name())) {
          case TensorStep.PassThrough s -> copy(copies, s, piece.read(s.source()), start);
          case TensorStep.CopyToExpert s -> copy(copies, s, piece.read(s.source()), start);
          case TensorStep.FileRouter s -> copy(copies, s, piece.read(s.source()), start);
          case TensorStep.NewRouter s -> tasks.add(new FillTask.Draw(s, start));
        }
      }
    }
    copies.forEach(
        (key, starts) -> tasks.add(new FillTask.Copy(key.source(), key.dtype(), starts)));
    return tasks;
  }

  private static void copy(
      Map<CopyKey, List<FileRange.Start>> copies,
      TensorStep step,
      TensorEntry source,
      FileRange.Start start) {
    copies.computeIfAbsent(new CopyKey(step, source), key -> new ArrayList<>()).add(start);
  }

  private static <T> T require(Map<String, T> byName, String name) {
    T found = byName.get(name);
    if (found == null) {
      throw new IllegalStateException("no step makes " + name);
    }
    return found;
  }

  private record CopyKey(TensorEntry source, DType dtype) {
    CopyKey(TensorStep step, TensorEntry source) {
      this(source, step.target().dtype());
    }
  }
}
