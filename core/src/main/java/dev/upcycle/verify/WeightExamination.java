package dev.upcycle.verify;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.DType;
import dev.upcycle.checkpoint.TensorEntry;
import dev.upcycle.convert.Progress;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongConsumer;

/// Does every pass-through and every copy equal its source, byte for byte, or rounded to nearest
/// even where the dtype differs?
final class WeightExamination implements Examination {
  private record Copies(TensorEntry source, DType dtype) {}

  private final Progress progress;

  WeightExamination(Progress progress) {
    this.progress = progress;
  }

  @Override
  public void examine(Subject subject, Findings findings) {
    subject.source().ifPresent(source -> compare(subject, source, findings));
  }

  private void compare(Subject subject, Checkpoint source, Findings findings) {
    Map<Copies, List<TensorEntry>> copies = copies(subject, source, findings);
    long total = copies.values().stream().flatMap(List::stream).mapToLong(TensorEntry::bytes).sum();
    long[] done = new long[1];
    try (ByteComparison comparison = new ByteComparison()) {
      copies.forEach((from, targets) -> {
        SourceWatch watch =
            new SourceWatch(bytes -> {
              done[0] += bytes;
              progress.advanced(done[0], total, from.source().name());
            });
        List<Optional<Difference>> differences = comparison.compare(from.source(), targets, watch);
        for (int target = 0; target < targets.size(); target++) {
          record(from.source(), targets.get(target), differences.get(target), subject, findings);
        }
        watch.remark(from.source(), findings);
      });
    }
  }

  private static Map<Copies, List<TensorEntry>> copies(
      Subject subject, Checkpoint source, Findings findings) {
    Map<Copies, List<TensorEntry>> copies = new LinkedHashMap<>();
    for (ExpectedTensor expected : subject.expected().all()) {
      Optional<TensorEntry> target = subject.target().find(expected.name());
      if (expected.source().isEmpty() || target.isEmpty()) {
        continue;
      }
      Optional<TensorEntry> dense = source.find(expected.source().get());
      Optional<String> obstacle = obstacle(expected, dense, target.get());
      if (obstacle.isPresent()) {
        findings.covered(kind(expected));
        findings.failed(kind(expected), expected.name(), obstacle.get());
      } else {
        copies
            .computeIfAbsent(
                new Copies(dense.orElseThrow(), target.get().dtype()), key -> new ArrayList<>())
            .add(target.get());
      }
    }
    return copies;
  }

  private static Optional<String> obstacle(
      ExpectedTensor expected, Optional<TensorEntry> dense, TensorEntry target) {
    if (dense.isEmpty()) {
      return Optional.of(
          String.format(Locale.ROOT, "the source lacks %s", expected.source().orElse("")));
    }
    if (!dense.get().shape().equals(target.shape())) {
      return Optional.of(
          String.format(
              Locale.ROOT,
              "not comparable: %s is %s, this is %s",
              dense.get().name(),
              dense.get().shape(),
              target.shape()));
    }
    boolean castable = RoundToNearestEven.knows(dense.get().dtype(), target.dtype());
    return dense.get().dtype() == target.dtype() || castable
        ? Optional.empty()
        : Optional.of(
            String.format(
                Locale.ROOT,
                "no cast leads from %s of %s to %s",
                dense.get().dtype(),
                dense.get().name(),
                target.dtype()));
  }

  private static void record(
      TensorEntry dense,
      TensorEntry target,
      Optional<Difference> difference,
      Subject subject,
      Findings findings) {
    CheckKind kind = kind(subject.expected().find(target.name()).orElseThrow());
    findings.covered(kind, target.bytes());
    difference.ifPresent(found ->
        findings.failed(
            kind,
            target.name(),
            String.format(
                Locale.ROOT,
                "differs from %s%s; %s%s",
                dense.name(),
                dense.dtype() == target.dtype()
                    ? ""
                    : " rounded to nearest even from " + dense.dtype(),
                found.in(target),
                Resemblance.hint(target, subject))));
  }

  private static CheckKind kind(ExpectedTensor expected) {
    return expected.ofExpert() ? CheckKind.EXPERT_COPIES : CheckKind.PASS_THROUGH;
  }

  /// Counts what is not finite in a source tensor: its copies carry it along, and that is no fault
  /// of theirs.
  private static final class SourceWatch implements ByteComparison.Watcher {
    private final LongConsumer advanced;
    private long nonFinite;

    private SourceWatch(LongConsumer advanced) {
      this.advanced = advanced;
    }

    @Override
    public void source(ByteBuffer window, DType dtype) {
      nonFinite += NonFinite.count(window, dtype);
    }

    @Override
    public void compared(long bytes) {
      advanced.accept(bytes);
    }

    private void remark(TensorEntry source, Findings findings) {
      if (nonFinite > 0) {
        findings.remark(
            String.format(
                Locale.ROOT,
                "%s of the source holds %d values that are NaN or infinite; its copies do too",
                source.name(),
                nonFinite));
      }
    }
  }
}
