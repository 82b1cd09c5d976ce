/// Normalisations over the last dimension.
@NullMarked
package dev.upcycle.kernels.norm;

import org.jspecify.annotations.NullMarked;
