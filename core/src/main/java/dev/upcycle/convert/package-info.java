/// Running a plan, a chunk of a tensor at a time.
@NullMarked
package dev.upcycle.convert;

import org.jspecify.annotations.NullMarked;
