/// The safetensors file format: one header, one data buffer.
///
/// Not here: shards, indexes and configs (see the parent package), tensor arithmetic.
@NullMarked
package dev.upcycle.checkpoint.safetensors;

import org.jspecify.annotations.NullMarked;
