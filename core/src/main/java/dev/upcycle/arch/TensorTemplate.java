package dev.upcycle.arch;

import java.util.List;

/// One line of an architecture: a name pattern, what the tensor does and how large it is.
///
/// @param pattern a Hugging Face name with `[layer]` and `[expert]` for indices, such as
///   `model.layers.[layer].mlp.gate_proj.weight`
/// @param role what it does
/// @param shape symbolic dimensions, such as `intermediate`, `hidden`
/// @param presence when the tensor is there
public record TensorTemplate(String pattern, Role role, List<String> shape, Presence presence) {
  /// Takes a copy.
  public TensorTemplate {
    shape = List.copyOf(shape);
  }

  /// When a tensor of the template is expected.
  public enum Presence {
    /// Always.
    REQUIRED,
    /// Unless the config ties it to the embedding.
    UNLESS_TIED,
    /// When the config says so (`attention_bias`, `mlp_bias`), or when it lies there.
    OPTIONAL
  }
}
