package dev.upcycle.arch;

import dev.upcycle.recipe.Part;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.node.ObjectNode;

/// What a family's JSON resource says.
///
/// @param modelType `model_type` of its configs
/// @param className its class in transformers, or in the modelling file
/// @param part which part of a larger model it can be; empty for a composition
/// @param shortName what recipes may call it
/// @param targetName what recipes call it as a target; families of one form share it
/// @param alone how its tensors are called where it is the whole model
/// @param severalScales whether its class looks at images at several scales
/// @param level the first segment that its names have in one dialect and lack in another
/// @param levelAsRead whether a target keeps to the dialect of its source, and not to the one with
///   the level
/// @param modeling the modelling file that its checkpoints bring along, where transformers has no
///   class
/// @param upcyclesTo model types that a dense model of this family can become
/// @param ropeTheta the class's base frequency where a config gives none
/// @param window which layers see a sliding window
/// @param renormaliseKey the config key that says whether the chosen experts' weights are divided
///   by their sum; where there is none they always are
/// @param sparseLayersKey the config key that lists the layers that have experts; without one,
///   `decoder_sparse_step` and `mlp_only_layers` say it
/// @param defaults what an absent config key means to the class
/// @param nestedDefaults what a key that the config of a part leaves out means to the class; alone
///   it must be there
/// @param ignored config keys that the class ignores though other families honour them
/// @param superseded config keys without meaning once the model is another family's
/// @param foreign config keys that another family means something by, or that a generation of
///   transformers reads as a second spelling of one of this family's own
/// @param ownKeys keys of a composition that stand in the same config as those of a part
/// @param leftOut tensors of the families that it stands for which it never uses
/// @param rules where the dimensions stand
/// @param templates its tensors, in state dict order
/// @param fused its tensors that transformers 5 stores fused
/// @param parts the families that it is composed of, beside its own tensors
record ArchitectureData(
    String modelType,
    String className,
    Optional<Part> part,
    String shortName,
    String targetName,
    Naming alone,
    boolean severalScales,
    Optional<String> level,
    boolean levelAsRead,
    Optional<Modeling> modeling,
    List<String> upcyclesTo,
    double ropeTheta,
    WindowRule window,
    Optional<String> renormaliseKey,
    Optional<String> sparseLayersKey,
    ObjectNode defaults,
    ObjectNode nestedDefaults,
    List<String> ignored,
    List<String> superseded,
    List<String> foreign,
    List<String> ownKeys,
    List<String> leftOut,
    List<Dimensions.Rule> rules,
    List<TensorTemplate> templates,
    List<TensorTemplate> fused,
    List<PartRule> parts) {}
