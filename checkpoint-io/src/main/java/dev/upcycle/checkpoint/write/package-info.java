/// Writing a checkpoint directory so that a crash at any moment leaves nothing that looks like one.
///
/// Ownership: a [CheckpointWriter] owns the lock, the partial directory and its channels until it
/// is closed.
@NullMarked
package dev.upcycle.checkpoint.write;

import org.jspecify.annotations.NullMarked;
