package dev.upcycle.arch;

import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.checkpoint.Shape;
import dev.upcycle.checkpoint.TensorSpec;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/// A model family as data: its tensor names, their roles and shapes, and the config keys that
/// matter.
///
/// Read from `dev/upcycle/arch/<model type>.json`; the planner, the verifier and the models use the
/// same templates.
public final class Architecture {
  /// The known model types, sorted.
  public static List<String> known() {
    throw new UnsupportedOperationException();
  }

  /// The architecture of this model type, if it is known.
  public static Optional<Architecture> find(String modelType) {
    throw new UnsupportedOperationException();
  }

  /// The architecture of this model type.
  ///
  /// @throws dev.upcycle.checkpoint.CheckpointFormatException listing the known types
  public static Architecture require(String modelType) {
    throw new UnsupportedOperationException();
  }

  /// `model_type` of its configs.
  public String modelType() {
    throw new UnsupportedOperationException();
  }

  /// The name of its causal language model class in transformers, such as `MixtralForCausalLM`.
  public String className() {
    throw new UnsupportedOperationException();
  }

  /// All templates, in the order of the family's state dict.
  public List<TensorTemplate> templates() {
    throw new UnsupportedOperationException();
  }

  /// The one template of a role.
  public TensorTemplate template(Role role) {
    throw new UnsupportedOperationException();
  }

  /// Matches a name; empty when no template has it.
  public Optional<TemplateMatch> match(String name) {
    throw new UnsupportedOperationException();
  }

  /// The name that a template gives at these indices.
  public String name(TensorTemplate template, OptionalInt layer, OptionalInt expert) {
    throw new UnsupportedOperationException();
  }

  /// The shape of a template under a config.
  public Shape shape(TensorTemplate template, ModelConfig config) {
    throw new UnsupportedOperationException();
  }

  /// Every tensor that a checkpoint of this config holds, in state dict order, all of one dtype.
  public List<TensorSpec> expected(ModelConfig config, dev.upcycle.checkpoint.DType dtype) {
    throw new UnsupportedOperationException();
  }
}
