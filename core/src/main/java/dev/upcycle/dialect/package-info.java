/// Checkpoints whose tensors have another project's names, read as though they had Hugging Face's:
/// views of the same bytes, nothing is copied.
@NullMarked
package dev.upcycle.dialect;

import org.jspecify.annotations.NullMarked;
