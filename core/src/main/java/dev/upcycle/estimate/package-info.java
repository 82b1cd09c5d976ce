/// Parameters, cache, memory and disk from shapes.
@NullMarked
package dev.upcycle.estimate;

import org.jspecify.annotations.NullMarked;
