/// An expectation of the target that does not come from the planner, held against its bytes.
@NullMarked
package dev.upcycle.verify;

import org.jspecify.annotations.NullMarked;
