package dev.upcycle.inspect;

import dev.upcycle.arch.Architecture;
import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.inspect.Inspection.Possible;
import dev.upcycle.inspect.Inspection.Verdict;
import dev.upcycle.plan.Families;
import dev.upcycle.plan.SourceReview;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/// What a checkpoint can become.
final class Verdicts {
  private Verdicts() {}

  static List<Verdict> of(Checkpoint checkpoint, Optional<Architecture> family) {
    List<Verdict> verdicts = new ArrayList<>();
    for (String type : Families.targets()) {
      Architecture target = Architecture.require(type);
      if (alike(target, family)) {
        verdicts.add(verdict(checkpoint, family, target));
      }
    }
    return verdicts;
  }

  /// A decoder becomes no tower: only what is of the family's kind is worth telling; of an unknown
  /// family, what writes texts.
  private static boolean alike(Architecture target, Optional<Architecture> family) {
    return family
        .map(known -> known.part().equals(target.part()) && known.decodes() == target.decodes())
        .orElseGet(target::decodes);
  }

  private static Verdict verdict(
      Checkpoint checkpoint, Optional<Architecture> family, Architecture target) {
    Optional<String> refusal =
        checkpoint
            .findConfig()
            .map(Families::refusal)
            .orElseGet(() -> Optional.of("without its config.json a model cannot be converted"));
    if (refusal.isPresent()) {
      return new Verdict(target.modelType(), Possible.NO, refusal.get());
    }
    Architecture known = family.orElseThrow();
    if (!known.upcyclesTo().contains(target.modelType())) {
      return new Verdict(
          target.modelType(),
          Possible.NO,
          String.format(
              Locale.ROOT,
              "a %s becomes %s",
              known.modelType(),
              String.join(", ", known.upcyclesTo())));
    }
    SourceReview review = SourceReview.of(checkpoint);
    if (!review.obstacles().isEmpty()) {
      return new Verdict(target.modelType(), Possible.NO, String.join("; ", review.obstacles()));
    }
    String proviso =
        review.provisos().isEmpty()
            ? ""
            : "; provided that, which plan looks at, " + String.join(", ", review.provisos());
    return new Verdict(
        target.modelType(),
        Possible.YES,
        "every tensor has its place and the function is preserved" + proviso);
  }
}
