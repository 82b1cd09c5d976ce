/// Torch's own weights files: a zip archive of stored storages and a pickle that names them.
///
/// The pickle is read by an interpreter of its own that knows the opcodes and the few functions
/// that weights need, imports nothing and calls nothing; all else is refused by name. Tensors stay
/// where they lie in the file.
///
/// Not here: the formats of before torch 1.6, TorchScript, compressed archives, big-endian
/// storages.
@NullMarked
package dev.upcycle.checkpoint.torch;

import org.jspecify.annotations.NullMarked;
