/// Checkpoints on disk: bytes, names, shapes, dtypes, shards, `config.json`.
///
/// Nothing here knows what a layer or an expert is. Ownership: an open [Checkpoint] holds headers
/// only, no file handle and no mapping; whoever maps a tensor names the arena that owns the
/// mapping.
@NullMarked
package dev.upcycle.checkpoint;

import org.jspecify.annotations.NullMarked;
