package dev.upcycle.arch;

import dev.upcycle.checkpoint.DType;
import dev.upcycle.checkpoint.Shape;
import dev.upcycle.checkpoint.TensorSpec;
import java.util.OptionalInt;

/// One tensor that a config promises: its name, shape and place in the model.
///
/// @param name Hugging Face name
/// @param shape dimensions under the config
/// @param match its template and indices
public record TensorSlot(String name, Shape shape, TemplateMatch match) {
  static TensorSlot of(
      TensorTemplate template, OptionalInt layer, OptionalInt expert, Dimensions dimensions) {
    return new TensorSlot(
        template.name(layer, expert),
        dimensions.shape(template),
        new TemplateMatch(template, layer, expert));
  }

  /// What the tensor does.
  public Role role() {
    return match.template().role();
  }

  /// The tensor in this dtype.
  public TensorSpec spec(DType dtype) {
    return new TensorSpec(name, dtype, shape);
  }
}
