@NullMarked
package dev.upcycle.train;

import org.jspecify.annotations.NullMarked;
