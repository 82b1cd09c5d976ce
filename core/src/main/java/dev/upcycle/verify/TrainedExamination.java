package dev.upcycle.verify;

import dev.upcycle.arch.Role;
import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.TensorEntry;
import dev.upcycle.convert.Progress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/// After training: is everything finite, and did what was frozen stay as it was?
///
/// A tensor counts as frozen only when the manifest's list `frozen` names it; of the others it is
/// told how many moved.
final class TrainedExamination implements Examination {
  private record Moved(long changed, long all) {
    private Moved plus(Moved other) {
      return new Moved(changed + other.changed, all + other.all);
    }
  }

  private final Progress progress;

  TrainedExamination(Progress progress) {
    this.progress = progress;
  }

  @Override
  public void examine(Subject subject, Findings findings) {
    Set<String> frozen = subject.manifest().frozen().orElse(Set.of());
    frozen.stream()
        .filter(name -> subject.expected().find(name).isEmpty())
        .forEach(name ->
            findings.failed(
                CheckKind.FROZEN, name, "frozen says the manifest, the model has no such tensor"));
    Map<Role, Moved> moved = new EnumMap<>(Role.class);
    long total = subject.target().tensors().values().stream().mapToLong(TensorEntry::bytes).sum();
    long done = 0;
    try (TensorBytes tensors = new TensorBytes();
        ByteComparison comparison = new ByteComparison()) {
      for (ExpectedTensor expected : subject.expected().all()) {
        Optional<TensorEntry> target = subject.target().find(expected.name());
        if (target.isEmpty()) {
          continue;
        }
        finite(target.get(), tensors, findings);
        Optional<TensorEntry> dense =
            subject.source().flatMap(source -> dense(source, expected, target.get()));
        Optional<Difference> difference =
            dense.flatMap(from -> difference(comparison, from, target.get()));
        if (dense.isPresent()) {
          moved.merge(expected.role(), new Moved(difference.isPresent() ? 1 : 0, 1), Moved::plus);
        }
        if (frozen.contains(expected.name())) {
          frozen(target.get(), dense, difference, findings);
        }
        done += target.get().bytes();
        progress.advanced(done, total, expected.name());
      }
    }
    if (subject.source().isPresent()) {
      findings.remark(summary(moved));
    }
  }

  private static void frozen(
      TensorEntry target,
      Optional<TensorEntry> dense,
      Optional<Difference> difference,
      Findings findings) {
    if (dense.isEmpty()) {
      findings.remark(
          target.name() + " is frozen; there is no source here that it can be compared with");
      return;
    }
    findings.covered(CheckKind.FROZEN, target.bytes());
    difference.ifPresent(found ->
        findings.failed(
            CheckKind.FROZEN,
            target.name(),
            String.format(
                Locale.ROOT,
                "frozen, yet differs from %s; %s",
                dense.get().name(),
                found.in(target))));
  }

  private static Optional<TensorEntry> dense(
      Checkpoint source, ExpectedTensor expected, TensorEntry target) {
    return expected
        .source()
        .flatMap(source::find)
        .filter(dense -> dense.shape().equals(target.shape()))
        .filter(dense ->
            dense.dtype() == target.dtype()
                || RoundToNearestEven.knows(dense.dtype(), target.dtype()));
  }

  private static Optional<Difference> difference(
      ByteComparison comparison, TensorEntry dense, TensorEntry target) {
    return comparison.compare(dense, List.of(target), ByteComparison.UNWATCHED).getFirst();
  }

  private static void finite(TensorEntry tensor, TensorBytes tensors, Findings findings) {
    findings.covered(CheckKind.FINITE, tensor.bytes());
    ByteBuffer window = ByteBuffer.allocate(ByteComparison.WINDOW).order(ByteOrder.LITTLE_ENDIAN);
    long nonFinite = 0;
    for (long from = 0; from < tensor.bytes(); from += window.capacity()) {
      window.clear().limit((int) Math.min(window.capacity(), tensor.bytes() - from));
      tensors.read(tensor, from, window);
      nonFinite += NonFinite.count(window, tensor.dtype());
    }
    if (nonFinite > 0) {
      findings.failed(
          CheckKind.FINITE,
          tensor.name(),
          String.format(
              Locale.ROOT,
              "%d of %d values are NaN or infinite",
              nonFinite,
              tensor.shape().elements()));
    }
  }

  private static String summary(Map<Role, Moved> moved) {
    Moved all = moved.values().stream().reduce(new Moved(0, 0), Moved::plus);
    if (all.changed() == 0) {
      return String.format(
          Locale.ROOT,
          "all %d tensors that come from the source are identical to it: nothing was trained",
          all.all());
    }
    return moved.entrySet().stream()
        .filter(entry -> entry.getValue().changed() > 0)
        .map(entry ->
            String.format(
                Locale.ROOT,
                "%s %d of %d",
                entry.getKey().name().toLowerCase(Locale.ROOT),
                entry.getValue().changed(),
                entry.getValue().all()))
        .collect(
            Collectors.joining(
                ", ",
                String.format(
                    Locale.ROOT,
                    "changed %d of %d tensors that come from the source: ",
                    all.changed(),
                    all.all()),
                ""));
  }
}
