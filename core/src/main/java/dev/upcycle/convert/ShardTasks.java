package dev.upcycle.convert;

import dev.upcycle.checkpoint.DType;
import dev.upcycle.checkpoint.TensorEntry;
import dev.upcycle.checkpoint.write.FileRange;
import dev.upcycle.checkpoint.write.ShardLayout;
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

  ShardTasks(UpcyclePlan plan) {
    plan.steps().forEach(step -> steps.put(step.target().name(), step));
  }

  /// The tasks of a shard that lies in this file.
  List<FillTask> of(ShardLayout.Shard shard, Path file) {
    Map<CopyKey, List<FileRange.Start>> copies = new LinkedHashMap<>();
    List<FillTask> tasks = new ArrayList<>();
    for (ShardLayout.Placement placement : shard.tensors()) {
      FileRange.Start start = new FileRange.Start(file, placement.offset());
      switch (step(placement)) {
        case TensorStep.PassThrough s ->
            copies.computeIfAbsent(new CopyKey(s, s.source()), key -> new ArrayList<>()).add(start);
        case TensorStep.CopyToExpert s ->
            copies.computeIfAbsent(new CopyKey(s, s.source()), key -> new ArrayList<>()).add(start);
        case TensorStep.FileRouter s ->
            copies.computeIfAbsent(new CopyKey(s, s.source()), key -> new ArrayList<>()).add(start);
        case TensorStep.NewRouter s -> tasks.add(new FillTask.Draw(s, start));
      }
    }
    copies.forEach(
        (key, starts) -> tasks.add(new FillTask.Copy(key.source(), key.dtype(), starts)));
    return tasks;
  }

  private TensorStep step(ShardLayout.Placement placement) {
    TensorStep step = steps.get(placement.tensor().name());
    if (step == null) {
      throw new IllegalStateException("no step makes " + placement.tensor().name());
    }
    return step;
  }

  private record CopyKey(TensorEntry source, DType dtype) {
    CopyKey(TensorStep step, TensorEntry source) {
      this(source, step.target().dtype());
    }
  }
}
