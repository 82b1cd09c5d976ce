package dev.upcycle.plan;

import dev.upcycle.arch.Architecture;
import dev.upcycle.arch.ModelPart;
import dev.upcycle.recipe.Component;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// The config of an image tower, a text tower or a connector with experts: the dense one's with the
/// keys that the modelling files read.
///
/// @param dense the dense part
/// @param target what it becomes
record TowerConfig(ModelPart dense, Architecture target) {
  ObjectNode derive(Component component) {
    ObjectNode json = dense.family().complete(dense.config()).json();
    json.put("num_experts", component.experts().count());
    json.put("num_experts_per_tok", component.experts().perToken());
    json.put("router_norm_topk_prob", true);
    target
        .sparseLayersKey()
        .ifPresent(key -> {
          ArrayNode layers = json.putArray(key);
          component.layers().of(dense.dimensions().layers()).forEach(layers::add);
        });
    return json;
  }
}
