/// Rotary positions, grouped-query attention and its cache.
@NullMarked
package dev.upcycle.kernels.attention;

import org.jspecify.annotations.NullMarked;
