/// Tensors, their memory, devices and the library itself; all that touches native types.
///
/// Ownership in one rule: a tensor belongs to the innermost
/// [dev.upcycle.kernels.tensor.TensorScope] that is open on its thread and dies with it, unless
/// `keep` or `hold` hands it to another scope.
@NullMarked
package dev.upcycle.kernels.tensor;

import org.jspecify.annotations.NullMarked;
