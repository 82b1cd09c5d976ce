/// Auxiliary losses as functions of routings, each a scalar in float32.
@NullMarked
package dev.upcycle.kernels.loss;

import org.jspecify.annotations.NullMarked;
