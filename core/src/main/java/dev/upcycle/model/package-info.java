/// Networks bound from kernels' blocks and a checkpoint's names: decoders, image towers and their
/// compositions, dense and with experts.
///
/// No mathematics of its own. A model owns its weights until it is closed; everything a forward
/// pass makes belongs to the caller's innermost open [dev.upcycle.kernels.tensor.TensorScope].
///
/// Legend of shapes: `batch`, `seq`, `hidden`, `vocab`; `tokens` is `batch · seq`; `places` are an
/// image's patches and its class token.
@NullMarked
package dev.upcycle.model;

import org.jspecify.annotations.NullMarked;
