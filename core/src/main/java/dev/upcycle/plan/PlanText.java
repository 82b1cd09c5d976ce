package dev.upcycle.plan;

import dev.upcycle.checkpoint.TensorEntry;
import dev.upcycle.checkpoint.write.ShardLayout;
import dev.upcycle.recipe.RouterInit;
import java.util.Locale;

/// Everything that decides a target's bytes, as text, one fact a line.
final class PlanText {
  /// Changes when the same plan would give other bytes: the router draw, the file order.
  private static final String FORMAT = "upcycle/plan-text/1";

  private PlanText() {}

  static String of(UpcyclePlan plan) {
    StringBuilder text = new StringBuilder(FORMAT).append('\n');
    line(text, "recipe", plan.recipe().sha256());
    line(text, "families", plan.source().modelType(), plan.target().modelType());
    line(text, "config", plan.targetConfig().json().toString());
    for (TensorStep step : plan.steps()) {
      step(text, step);
    }
    for (Discarded discarded : plan.discarded()) {
      line(text, "discarded", discarded.name(), discarded.reason());
    }
    for (ShardLayout.Shard shard : plan.layout().shards()) {
      line(text, "shard", shard.fileName(), Long.toString(shard.bytes()));
      for (ShardLayout.Placement placement : shard.tensors()) {
        line(text, "at", placement.tensor().name(), Long.toString(placement.offset()));
      }
    }
    return text.toString();
  }

  private static void step(StringBuilder text, TensorStep step) {
    String target =
        step.target().name() + " " + step.target().dtype() + " " + step.target().shape();
    switch (step) {
      case TensorStep.PassThrough s -> line(text, "pass", target, source(s.source()));
      case TensorStep.CopyToExpert s -> line(text, "copy", target, source(s.source()));
      case TensorStep.NewRouter s ->
          line(text, "router", target, init(s.init()), Long.toString(s.seed()));
    }
  }

  private static String source(TensorEntry entry) {
    return String.format(
        Locale.ROOT,
        "%s %s %s %d",
        entry.name(),
        entry.dtype(),
        entry.file().getFileName(),
        entry.offset());
  }

  private static String init(RouterInit.Drawn init) {
    return switch (init) {
      case RouterInit.Zero() -> "zero";
      case RouterInit.Normal(double std) -> "normal " + Double.toHexString(std);
      case RouterInit.Uniform(double bound) -> "uniform " + Double.toHexString(bound);
    };
  }

  private static void line(StringBuilder text, String... fields) {
    text.append(String.join("\t", fields)).append('\n');
  }
}
