package dev.upcycle.inspect;

import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// An inspection as a JSON document.
final class InspectionJson {
  private InspectionJson() {}

  static ObjectNode of(Inspection inspection) {
    ObjectNode json = JsonMapper.shared().createObjectNode();
    json.put("schema", "upcycle/inspect/1");
    json.put("family", inspection.family());
    inspection.className().ifPresent(name -> json.put("class", name));
    json.put("parameters", inspection.parameters().total());
    json.put("active_parameters", inspection.parameters().active());
    json.put("bytes", inspection.bytes());
    ArrayNode dtypes = json.putArray("dtypes");
    inspection
        .dtypes()
        .forEach((dtype, share) ->
            dtypes
                .addObject()
                .put("dtype", dtype.name())
                .put("tensors", share.tensors())
                .put("parameters", share.parameters())
                .put("bytes", share.bytes()));
    inspection.sizes().ifPresent(sizes -> sizes(json, sizes));
    inspection.tied().ifPresent(tied -> json.put("tied", tied));
    ArrayNode feedForward = json.putArray("feed_forward");
    for (Inspection.FeedForward group : inspection.feedForward()) {
      feedForward
          .addObject()
          .put("first_layer", group.firstLayer())
          .put("last_layer", group.lastLayer())
          .put("shapes", group.shapes());
    }
    inspection
        .experts()
        .ifPresent(experts ->
            json.putObject("experts")
                .put("layout", experts.layout())
                .put("count", experts.count())
                .put("per_token", experts.perToken()));
    ArrayNode files = json.putArray("files");
    for (Inspection.WeightsFile file : inspection.files()) {
      files
          .addObject()
          .put("name", file.name())
          .put("bytes", file.bytes())
          .put("tensors", file.tensors());
    }
    ArrayNode verdicts = json.putArray("can_become");
    for (Inspection.Verdict verdict : inspection.verdicts()) {
      verdicts
          .addObject()
          .put("target", verdict.target())
          .put("possible", verdict.possible() == Inspection.Possible.YES)
          .put("reason", verdict.reason());
    }
    ArrayNode notes = json.putArray("notes");
    inspection.notes().forEach(notes::add);
    return json;
  }

  private static void sizes(ObjectNode json, Inspection.Sizes sizes) {
    json.put("layers", sizes.layers());
    json.put("hidden", sizes.hidden());
    json.put("intermediate", sizes.intermediate());
    json.put("heads", sizes.heads());
    json.put("kv_heads", sizes.kvHeads());
    json.put("head_dim", sizes.headDim());
    sizes.vocab().ifPresent(vocab -> json.put("vocab", vocab));
  }
}
