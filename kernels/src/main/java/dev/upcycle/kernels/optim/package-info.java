/// Steps from gradients to parameters.
@NullMarked
package dev.upcycle.kernels.optim;

import org.jspecify.annotations.NullMarked;
