/// Whole runs on data and models of our own, to see how training goes and what it is good for.
@NullMarked
package dev.upcycle.quickstart;

import org.jspecify.annotations.NullMarked;
