package dev.upcycle.plan;

import dev.upcycle.arch.Architecture;
import dev.upcycle.arch.Dimensions;
import dev.upcycle.arch.ModelPart;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.recipe.Experts;
import tools.jackson.databind.node.ObjectNode;

/// The config of a decoder that becomes a mixture of another family, such as Mixtral: everything
/// explicit, in the spellings of both generations of transformers.
///
/// @param dense the dense decoder
/// @param target the mixture's family
record DecoderConfig(ModelPart dense, Architecture target) {
  ModelConfig derive(Experts experts) {
    Architecture family = dense.family();
    ObjectNode json = family.complete(dense.config()).json();
    TargetConfig.SOURCE_ONLY.forEach(json::remove);
    family.supersededKeys().forEach(json::remove);
    family.ignoredKeys().forEach(json::remove);
    target.foreignKeys().forEach(json::remove);
    json.putArray("architectures").add(target.className());
    json.put("model_type", target.modelType());
    Dimensions dimensions = dense.dimensions();
    json.put("head_dim", dimensions.headDim());
    json.put("num_key_value_heads", dimensions.kvHeads());
    json.put("hidden_act", "silu");
    json.put("num_local_experts", experts.count());
    json.put("num_experts_per_tok", experts.perToken());
    ModelConfig spelled = ModelConfig.of(json).withBothSpellings(family.defaultRopeTheta());
    return ModelConfig.of(TargetConfig.withFloats(target.complete(spelled).json(), target));
  }
}
