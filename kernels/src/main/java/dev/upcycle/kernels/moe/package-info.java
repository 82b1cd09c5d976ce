/// Mixture of Experts in separate parts: router, routing, dispatch, experts, layer.
///
/// Legend of shapes: `T` tokens, `H` hidden, `I` intermediate, `E` experts, `K` experts per token,
/// `N` assignments of a token to an expert (`T * K` when tokens choose).
@NullMarked
package dev.upcycle.kernels.moe;

import org.jspecify.annotations.NullMarked;
