/// The way back: a model of experts becomes the dense model that it was made from.
@NullMarked
package dev.upcycle.densify;

import org.jspecify.annotations.NullMarked;
