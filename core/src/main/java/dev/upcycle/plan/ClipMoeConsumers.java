package dev.upcycle.plan;

import dev.upcycle.arch.Composition;
import dev.upcycle.arch.Dimensions;
import dev.upcycle.arch.ModelPart;
import dev.upcycle.plan.Consumer.Basis;
import dev.upcycle.plan.Consumer.Loads;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/// What loads a CLIP-MoE under OpenAI's names.
final class ClipMoeConsumers {
  private static final long HEAD_WIDTH = 64;
  private static final long WIDENING = 4;

  private ClipMoeConsumers() {}

  static List<Consumer> of(Composition target) {
    List<String> objections =
        target.parts().stream()
            .filter(part -> part.part().isPresent())
            .flatMap(ClipMoeConsumers::objections)
            .toList();
    Consumer own =
        objections.isEmpty()
            ? new Consumer(
                "CLIP-MoE",
                Loads.WITH_LIMITS,
                Basis.RUN,
                "its model and a strict load_state_dict, run; it wants a torch file with"
                    + " Long-CLIP's 248 text positions, twice, see docs/interop.md; its loadMoE"
                    + " was read, not run")
            : new Consumer("CLIP-MoE", Loads.NO, Basis.READ, String.join("; ", objections));
    return List.of(
        own,
        new Consumer(
            "transformers, open_clip",
            Loads.NO,
            Basis.READ,
            "have no class for it; target clip_moe brings a modelling file for transformers"));
  }

  /// Its modules take these from the width alone.
  private static Stream<String> objections(ModelPart part) {
    Dimensions dimensions = part.dimensions();
    String type = part.family().modelType();
    long hidden = dimensions.hidden();
    String activation = part.family().complete(part.config()).findString("hidden_act").orElse("");
    return Stream.of(
            differs(type, "heads", hidden / HEAD_WIDTH, dimensions.heads()),
            differs(type, "intermediate", WIDENING * hidden, dimensions.intermediate()),
            activation.equals("quick_gelu")
                ? Stream.<String>empty()
                : Stream.of(type + ": it computes with quick_gelu, the model with " + activation))
        .flatMap(found -> found);
  }

  private static Stream<String> differs(String type, String what, long wanted, long actual) {
    return wanted == actual
        ? Stream.empty()
        : Stream.of(
            String.format(
                Locale.ROOT, "%s: it takes %s as %d, not %d", type, what, wanted, actual));
  }
}
