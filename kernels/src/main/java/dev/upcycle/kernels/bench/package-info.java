/// Measurements of this module on the machine at hand, each beside its dense baseline.
@NullMarked
package dev.upcycle.kernels.bench;

import org.jspecify.annotations.NullMarked;
