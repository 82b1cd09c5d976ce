/// Training: stages, steps, run folders.
///
/// A [Trainer] owns the model and the optimizer of the stage that runs; native memory of a step is
/// gone when the step ends.
@NullMarked
package dev.upcycle.train;

import org.jspecify.annotations.NullMarked;
