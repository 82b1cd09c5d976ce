package dev.upcycle.arch;

import java.util.List;
import java.util.Optional;
import tools.jackson.databind.node.ObjectNode;

/// What a family's JSON resource says.
///
/// @param modelType `model_type` of its configs
/// @param className its causal language model class in transformers
/// @param upcyclesTo model types that a dense model of this family can become
/// @param ropeTheta the class's base frequency where a config gives none
/// @param window which layers see a sliding window
/// @param renormaliseKey the config key that says whether the chosen experts' weights are divided
///   by their sum; where there is none they always are
/// @param defaults what an absent config key means to the class
/// @param ignored config keys that the class ignores though other families honour them
/// @param superseded config keys without meaning once the model is another family's
/// @param rules where the dimensions stand
/// @param templates its tensors, in state dict order
/// @param fused its tensors that transformers 5 stores fused
record ArchitectureData(
    String modelType,
    String className,
    List<String> upcyclesTo,
    double ropeTheta,
    WindowRule window,
    Optional<String> renormaliseKey,
    ObjectNode defaults,
    List<String> ignored,
    List<String> superseded,
    List<Dimensions.Rule> rules,
    List<TensorTemplate> templates,
    List<TensorTemplate> fused) {}
