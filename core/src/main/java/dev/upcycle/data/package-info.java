/// Text and tokens: tokenizers that stay offline, text that comes back from tokens, and training
/// data from files of rows to batches.
///
/// Whoever opens a file or a source of samples closes it; arrays that are handed out are only read.
@NullMarked
package dev.upcycle.data;

import org.jspecify.annotations.NullMarked;
