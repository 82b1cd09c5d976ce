/// Linear maps and dense feed-forward networks, each of which can be an expert.
@NullMarked
package dev.upcycle.kernels.ffn;

import org.jspecify.annotations.NullMarked;
