package dev.upcycle.quickstart;

import dev.upcycle.train.StageSummary;
import dev.upcycle.train.StepReport;
import dev.upcycle.train.TrainListener;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

/// Keeps what a run says of its stages, and passes it on.
final class StageCurves implements TrainListener {
  private static final int LAST = 10;

  private final TrainListener next;
  private final Map<String, List<StepReport>> steps = new LinkedHashMap<>();

  StageCurves(TrainListener next) {
    this.next = next;
  }

  @Override
  public void began(StageSummary stage) {
    steps.put(stage.name(), new ArrayList<>());
    next.began(stage);
  }

  @Override
  public void stepped(StepReport step) {
    steps.computeIfAbsent(step.stage(), _ -> new ArrayList<>()).add(step);
    next.stepped(step);
  }

  @Override
  public void saved(Path checkpoint) {
    next.saved(checkpoint);
  }

  @Override
  public void ended(StageSummary stage, OptionalDouble validation) {
    next.ended(stage, validation);
  }

  List<String> stages() {
    return List.copyOf(steps.keySet());
  }

  private List<StepReport> of(String stage) {
    return steps.getOrDefault(stage, List.of());
  }

  /// The step of the run after which a stage ended.
  long end(String stage) {
    return of(stage).getLast().step();
  }

  int count(String stage) {
    return of(stage).size();
  }

  /// The cross-entropy of a stage's first step.
  double first(String stage) {
    return of(stage).getFirst().losses().crossEntropy();
  }

  /// The mean cross-entropy of a stage's last steps.
  double last(String stage) {
    List<StepReport> all = of(stage);
    return all.subList(Math.max(0, all.size() - LAST), all.size()).stream()
        .mapToDouble(step -> step.losses().crossEntropy())
        .average()
        .orElseThrow();
  }

  /// Tokens that the decoder read in a stage.
  long tokens(String stage) {
    return of(stage).stream().mapToLong(StepReport::tokens).sum();
  }
}
