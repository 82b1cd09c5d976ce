/// The embedded sample model and tiny models of a recipe's own shape.
@NullMarked
package dev.upcycle.sample;

import org.jspecify.annotations.NullMarked;
