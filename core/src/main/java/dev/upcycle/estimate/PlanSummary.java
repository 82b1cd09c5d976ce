package dev.upcycle.estimate;

import dev.upcycle.arch.Dimensions;
import dev.upcycle.plan.TensorStep;
import dev.upcycle.plan.UpcyclePlan;
import dev.upcycle.recipe.RouterInit;
import java.util.Map;
import java.util.TreeMap;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// A plan and its estimate as one document, schema `upcycle/plan/1`.
///
/// @param plan what will be done
/// @param estimate what it costs
public record PlanSummary(UpcyclePlan plan, Estimate estimate) {
  /// Summarises a plan.
  public static PlanSummary of(UpcyclePlan plan) {
    return new PlanSummary(plan, Estimate.of(plan));
  }

  /// The document.
  public ObjectNode toJson() {
    ObjectNode json = JsonMapper.shared().createObjectNode();
    json.put("schema", "upcycle/plan/1");
    json.put("recipe", plan.recipe().recipe().name());
    json.put("source", plan.source().modelType());
    json.put("target", plan.target().modelType());
    json.put("class", plan.target().className());
    json.put("plan_sha256", plan.sha256());
    Dimensions dimensions = Dimensions.of(plan.target(), plan.targetConfig());
    json.put("layers", dimensions.layers());
    json.put("experts", dimensions.experts());
    json.put("experts_per_token", dimensions.expertsPerToken());
    json.put("parameters", estimate.parameters().total());
    json.put("active_parameters", estimate.parameters().active());
    json.put("flops_per_token", estimate.flopsPerToken());
    json.put("bytes", estimate.bytes());
    json.putObject("kv_cache")
        .put("bytes_per_token", estimate.kvCacheBytesPerToken())
        .put("tokens", estimate.kvCacheTokens())
        .put("bytes", estimate.kvCacheBytes());
    json.put("buffer_bytes_per_thread", estimate.bufferBytesPerThread());
    ArrayNode files = json.putArray("files");
    for (Estimate.ShardBytes file : estimate.files()) {
      files
          .addObject()
          .put("name", file.fileName())
          .put("bytes", file.bytes())
          .put("tensors", file.tensors());
    }
    provenance(json.putArray("provenance"));
    ArrayNode discarded = json.putArray("discarded");
    plan.discarded()
        .forEach(one -> discarded.addObject().put("name", one.name()).put("reason", one.reason()));
    ArrayNode notes = json.putArray("notes");
    for (UpcyclePlan.Note note : plan.notes()) {
      notes
          .addObject()
          .put("severity", note.severity() == UpcyclePlan.Severity.WARNING ? "warning" : "info")
          .put("text", note.text());
    }
    json.set("config", plan.targetConfig().json());
    return json;
  }

  private void provenance(ArrayNode rows) {
    provenance()
        .forEach((what, count) -> rows.addObject().put("origin", what).put("tensors", count));
  }

  /// Where the target's tensors come from: a sentence for each kind, and how many tensors it holds
  /// for.
  public Map<String, Integer> provenance() {
    Map<String, Integer> counts = new TreeMap<>();
    for (TensorStep step : plan.steps()) {
      String origin =
          switch (step) {
            case TensorStep.PassThrough s -> "source tensor under its own name";
            case TensorStep.CopyToExpert s -> "expert copied from the dense feed-forward network";
            case TensorStep.NewRouter s -> "new router, " + router(s.init());
          };
      counts.merge(origin, 1, Integer::sum);
    }
    return counts;
  }

  private static String router(RouterInit init) {
    return switch (init) {
      case RouterInit.Zero() -> "zero";
      case RouterInit.Normal(double std) -> "normal std " + std;
      case RouterInit.Uniform(double bound) -> "uniform bound " + bound;
    };
  }
}
