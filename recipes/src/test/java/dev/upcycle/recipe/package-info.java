@NullMarked
package dev.upcycle.recipe;

import org.jspecify.annotations.NullMarked;
