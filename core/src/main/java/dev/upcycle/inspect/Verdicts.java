package dev.upcycle.inspect;

import dev.upcycle.arch.Architecture;
import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.inspect.Inspection.Possible;
import dev.upcycle.inspect.Inspection.Verdict;
import dev.upcycle.plan.Families;
import dev.upcycle.plan.SourceReview;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/// What a checkpoint can become.
final class Verdicts {
  private Verdicts() {}

  static List<Verdict> of(Checkpoint checkpoint, Optional<Architecture> family) {
    return Families.targets().stream()
        .map(Architecture::require)
        .filter(target -> alike(target, family))
        .map(Architecture::targetName)
        .distinct()
        .map(target -> verdict(checkpoint, family, target))
        .toList();
  }

  /// A decoder becomes no tower: only what is of the family's kind is worth telling; of an unknown
  /// family, what writes texts.
  private static boolean alike(Architecture target, Optional<Architecture> family) {
    return family
        .map(known -> known.part().equals(target.part()) && known.decodes() == target.decodes())
        .orElseGet(target::decodes);
  }

  private static Verdict verdict(
      Checkpoint checkpoint, Optional<Architecture> family, String target) {
    Optional<String> refusal =
        checkpoint
            .findConfig()
            .map(Families::refusal)
            .orElseGet(() -> Optional.of("without its config.json a model cannot be converted"));
    if (refusal.isPresent()) {
      return new Verdict(target, Possible.NO, refusal.get());
    }
    Architecture known = family.orElseThrow();
    List<String> own =
        known.upcyclesTo().stream()
            .map(type -> Architecture.require(type).targetName())
            .distinct()
            .toList();
    if (!own.contains(target)) {
      return new Verdict(
          target,
          Possible.NO,
          String.format(Locale.ROOT, "a %s becomes %s", known.modelType(), String.join(", ", own)));
    }
    SourceReview review = SourceReview.of(checkpoint, target);
    if (!review.obstacles().isEmpty()) {
      return new Verdict(target, Possible.NO, String.join("; ", review.obstacles()));
    }
    String proviso =
        review.provisos().isEmpty()
            ? ""
            : "; provided that, which plan looks at, " + String.join(", ", review.provisos());
    return new Verdict(
        target,
        Possible.YES,
        "every tensor has its place and the function is preserved%s%s"
            .formatted(
                target.equals(own.getFirst()) ? "" : "; by --set target=" + target, proviso));
  }
}
