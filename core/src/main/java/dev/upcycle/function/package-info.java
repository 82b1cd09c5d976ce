/// Does the target compute what the dense model computes? Layer by layer, in float32.
@NullMarked
package dev.upcycle.function;

import org.jspecify.annotations.NullMarked;
