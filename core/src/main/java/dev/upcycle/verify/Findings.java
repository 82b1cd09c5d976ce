package dev.upcycle.verify;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.ToIntFunction;

/// Gathers what the examinations saw; one thread.
final class Findings {
  private static final class Tally {
    private long covered;
    private long bytes;
    private final Set<String> failed = new HashSet<>();
  }

  private record Found(CheckKind kind, String subject, String message) {}

  private final Map<CheckKind, Tally> tallies = new EnumMap<>(CheckKind.class);
  private final List<Found> failures = new ArrayList<>();
  private final Set<String> remarks = new LinkedHashSet<>();

  /// The check looked at one more thing, of so many tensor bytes.
  void covered(CheckKind kind, long bytes) {
    Tally tally = tally(kind);
    tally.covered++;
    tally.bytes += bytes;
  }

  /// The check looked at one more thing that has no tensor bytes.
  void covered(CheckKind kind) {
    covered(kind, 0);
  }

  /// Something that the check looked at did not hold.
  void failed(CheckKind kind, String subject, String message) {
    tally(kind).failed.add(subject);
    failures.add(new Found(kind, subject, message));
  }

  /// Something holds and should still be known; the same remark is kept once.
  void remark(String text) {
    remarks.add(text);
  }

  /// The report, failures ordered by kind and then by the position of what they name.
  VerifyReport report(ToIntFunction<String> position) {
    List<VerifyReport.Check> checks = new ArrayList<>();
    tallies.forEach((kind, tally) ->
        checks.add(
            new VerifyReport.Check(kind.title(), tally.covered, tally.bytes, tally.failed.size())));
    List<VerifyReport.Failure> ordered =
        failures.stream()
            .sorted(
                Comparator.comparing(Found::kind)
                    .thenComparingInt(found -> position.applyAsInt(found.subject())))
            .map(found ->
                new VerifyReport.Failure(found.kind().title(), found.subject(), found.message()))
            .toList();
    return new VerifyReport(checks, ordered, List.copyOf(remarks));
  }

  private Tally tally(CheckKind kind) {
    return tallies.computeIfAbsent(kind, absent -> new Tally());
  }
}
