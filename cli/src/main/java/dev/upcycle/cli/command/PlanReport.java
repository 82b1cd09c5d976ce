package dev.upcycle.cli.command;

import dev.upcycle.checkpoint.write.FreeSpace;
import dev.upcycle.checkpoint.write.ShardLayout;
import dev.upcycle.cli.terminal.Documents;
import dev.upcycle.cli.terminal.Quantities;
import dev.upcycle.cli.terminal.Table;
import dev.upcycle.cli.terminal.Terminal;
import dev.upcycle.estimate.Estimate;
import dev.upcycle.estimate.PartShare;
import dev.upcycle.plan.Consumer;
import dev.upcycle.plan.Discarded;
import dev.upcycle.plan.TensorStep;
import dev.upcycle.plan.UpcyclePlan;
import dev.upcycle.plan.UpcyclePlan.Note;
import dev.upcycle.recipe.Part;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.IntSummaryStatistics;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// A plan as the user sees it.
///
/// @param plan what would be done
/// @param estimate what the result costs
/// @param source the dense model, as it was found
/// @param freeBytes free disk space where the result would lie
record PlanReport(UpcyclePlan plan, Estimate estimate, String source, long freeBytes) {
  /// Where a target's tensors come from, in the order shown.
  private enum Provenance {
    PASS_THROUGH("unchanged", "the source tensor of the same name"),
    EXPERT("experts", "copies of the dense feed-forward network of the same layer"),
    ROUTER("routers", "drawn from the seed and the tensor's name"),
    FILE_ROUTER("routers", "the tensor of the same name of the recipe's file of routers");

    private final String title;
    private final String from;

    Provenance(String title, String from) {
      this.title = title;
      this.from = from;
    }

    static Provenance of(TensorStep step) {
      return switch (step) {
        case TensorStep.PassThrough _ -> PASS_THROUGH;
        case TensorStep.CopyToExpert _ -> EXPERT;
        case TensorStep.NewRouter _ -> ROUTER;
        case TensorStep.FileRouter _ -> FILE_ROUTER;
      };
    }
  }

  /// @param out where the result would lie
  static PlanReport of(UpcyclePlan plan, String source, Path out) {
    return new PlanReport(plan, Estimate.of(plan), source, freeBytesAt(out));
  }

  private static long freeBytesAt(Path out) {
    try {
      return FreeSpace.OF_THE_FILE_STORE.bytes(out);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// Says what loads the result, with the plan's notes and warnings, on stderr.
  void sayAll(Terminal terminal) {
    for (Consumer consumer : plan.consumers()) {
      terminal.note(
          "loads in "
              + consumer.name()
              + ": "
              + loads(consumer.loads())
              + ", "
              + consumer.reason());
    }
    sayNotes(terminal);
  }

  private void sayNotes(Terminal terminal) {
    for (Note note : plan.notes()) {
      switch (note.severity()) {
        case INFO -> terminal.note(note.text());
        case WARNING -> terminal.warning(note.text());
      }
    }
    if (freeBytes < estimate.bytes()) {
      terminal.warning(
          "the disk has "
              + Quantities.bytes(freeBytes)
              + " free, and the weights take "
              + Quantities.bytes(estimate.bytes()));
    }
  }

  /// Prints tables to stdout and the notes to stderr.
  void print(Terminal terminal) {
    String parts = estimate.parts().size() > 1 ? "\n\n" + parts() : "";
    terminal.result(
        summary() + parts + "\n\n" + provenance() + "\n\n" + consumers() + "\n\n" + shards());
    sayNotes(terminal);
  }

  private Table summary() {
    Table table =
        Table.pairs()
            .row("source", plan.source().modelType() + ", " + source)
            .row("target", plan.target().modelType() + " (" + plan.target().className() + ")")
            .row("recipe", plan.recipe().recipe().name());
    table.row("experts", expertsOfParts());
    table
        .row(
            "parameters",
            Quantities.parameters(estimate.parameters().total())
                + " in all, "
                + Quantities.parameters(estimate.parameters().active())
                + " used per token; "
                + Quantities.parameters(estimate.denseParameters())
                + " dense")
        .row("weights", Quantities.bytes(estimate.bytes()) + " in " + files());
    if (estimate.kvCacheTokens() > 0) {
      table.row(
          "KV cache",
          Quantities.bytes(estimate.kvCacheBytesPerToken())
              + " per token, "
              + Quantities.bytes(estimate.kvCacheBytes())
              + " at "
              + Quantities.count(estimate.kvCacheTokens())
              + " tokens");
    }
    return table
        .row(
            "peak memory",
            Quantities.bytes(estimate.peakResidentBytes(threads()))
                + " resident with "
                + threads()
                + " threads, whatever the tensors' sizes")
        .row("free disk", Quantities.bytes(freeBytes))
        .row("plan", plan.sha256());
  }

  private Table parts() {
    Table table = Table.of("part", "family", "dense", "in all", "used per token");
    for (PartShare share : estimate.parts()) {
      table.row(
          share.part().map(Part::key).orElse("-"),
          share.family(),
          Quantities.parameters(share.dense()),
          Quantities.parameters(share.sparse().total()),
          Quantities.parameters(share.sparse().active()));
    }
    return table;
  }

  /// Of each part, the part named where it is not the whole model.
  private String expertsOfParts() {
    return plan.recipe().recipe().components().entrySet().stream()
        .sorted(Map.Entry.comparingByKey())
        .map(entry ->
            entry.getValue().experts().count()
                + " per layer, "
                + entry.getValue().experts().perToken()
                + " per token"
                + (plan.source().parts().isEmpty() ? "" : " (" + entry.getKey().key() + ")"))
        .collect(Collectors.joining("; "));
  }

  // Those that convert takes when it is not told.
  private static int threads() {
    return Runtime.getRuntime().availableProcessors();
  }

  private String files() {
    int files = plan.layout().shards().size();
    return files + (files == 1 ? " file" : " files");
  }

  private List<TensorStep> steps(Provenance provenance) {
    return plan.steps().stream().filter(step -> Provenance.of(step) == provenance).toList();
  }

  private List<Provenance> provenances() {
    return Arrays.stream(Provenance.values()).filter(kind -> !steps(kind).isEmpty()).toList();
  }

  private static long bytes(List<TensorStep> steps) {
    return steps.stream().mapToLong(step -> step.target().bytes()).sum();
  }

  // Which experts a kind of step makes, such as `0-7`; of kinds that make none, nothing.
  private static String experts(List<TensorStep> steps) {
    IntSummaryStatistics experts =
        steps.stream()
            .flatMapToInt(step ->
                switch (step) {
                  case TensorStep.CopyToExpert copy -> IntStream.of(copy.expert());
                  case TensorStep.PassThrough _, TensorStep.NewRouter _, TensorStep.FileRouter _ ->
                      IntStream.empty();
                })
            .summaryStatistics();
    return experts.getCount() == 0 ? "" : experts.getMin() + "-" + experts.getMax();
  }

  private Table provenance() {
    Table table = Table.of("tensors", "count", "size", "from");
    for (Provenance provenance : provenances()) {
      List<TensorStep> steps = steps(provenance);
      table.row(
          (provenance.title + " " + experts(steps)).strip(),
          Quantities.count(steps.size()),
          Quantities.bytes(bytes(steps)),
          provenance.from);
    }
    if (!plan.discarded().isEmpty()) {
      table.row(
          "left out",
          Quantities.count(plan.discarded().size()),
          "-",
          plan.discarded().getFirst().reason());
    }
    return table;
  }

  private Table consumers() {
    Table table = Table.of("loads in", "", "why");
    for (Consumer consumer : plan.consumers()) {
      table.row(consumer.name(), loads(consumer.loads()), consumer.reason());
    }
    return table;
  }

  private static String loads(Consumer.Loads loads) {
    return switch (loads) {
      case YES -> "yes";
      case WITH_LIMITS -> "with limits";
      case NO -> "no";
    };
  }

  private Table shards() {
    Table table = Table.of("file", "tensors", "bytes");
    for (ShardLayout.Shard shard : plan.layout().shards()) {
      table.row(
          shard.fileName(),
          Quantities.count(shard.tensors().size()),
          Quantities.count(shard.bytes()));
    }
    return table;
  }

  /// The plan as a JSON document.
  ObjectNode document() {
    ObjectNode document =
        Documents.of("plan")
            .put("source", source)
            .put("source_family", plan.source().modelType())
            .put("target_family", plan.target().modelType())
            .put("recipe", plan.recipe().recipe().name())
            .put("recipe_sha256", plan.recipe().sha256())
            .put("plan_sha256", plan.sha256())
            .put("parameters", estimate.parameters().total())
            .put("active_parameters", estimate.parameters().active())
            .put("dense_parameters", estimate.denseParameters())
            .put("kv_cache_bytes_per_token", estimate.kvCacheBytesPerToken())
            .put("kv_cache_bytes", estimate.kvCacheBytes())
            .put("kv_cache_tokens", estimate.kvCacheTokens())
            .put("flops_per_token", estimate.flopsPerToken())
            .put("peak_resident_bytes", estimate.peakResidentBytes(threads()))
            .put("buffer_bytes_per_thread", estimate.bufferBytesPerThread())
            .put("threads", threads())
            .put("bytes", estimate.bytes())
            .put("free_disk_bytes", freeBytes);
    ArrayNode parts = document.putArray("parts");
    for (PartShare share : estimate.parts()) {
      ObjectNode row = parts.addObject();
      share.part().ifPresent(part -> row.put("part", part.key()));
      row.put("family", share.family())
          .put("dense_parameters", share.dense())
          .put("parameters", share.sparse().total())
          .put("active_parameters", share.sparse().active());
    }
    ArrayNode files = document.putArray("files");
    for (ShardLayout.Shard shard : plan.layout().shards()) {
      files
          .addObject()
          .put("name", shard.fileName())
          .put("tensors", shard.tensors().size())
          .put("bytes", shard.bytes());
    }
    ArrayNode provenance = document.putArray("provenance");
    for (Provenance kind : provenances()) {
      List<TensorStep> steps = steps(kind);
      provenance
          .addObject()
          .put("kind", kind.name().toLowerCase(Locale.ROOT))
          .put("from", kind.from)
          .put("experts", experts(steps))
          .put("tensors", steps.size())
          .put("bytes", bytes(steps));
    }
    ArrayNode consumers = document.putArray("consumers");
    for (Consumer consumer : plan.consumers()) {
      consumers
          .addObject()
          .put("name", consumer.name())
          .put("loads", loads(consumer.loads()))
          .put("basis", consumer.basis().name().toLowerCase(Locale.ROOT))
          .put("reason", consumer.reason());
    }
    ArrayNode discarded = document.putArray("discarded");
    for (Discarded tensor : plan.discarded()) {
      discarded.addObject().put("name", tensor.name()).put("reason", tensor.reason());
    }
    ArrayNode notes = document.putArray("notes");
    for (Note note : plan.notes()) {
      notes
          .addObject()
          .put("severity", note.severity().name().toLowerCase(Locale.ROOT))
          .put("text", note.text());
    }
    return document;
  }
}
