/// Pure planning: source headers, config and recipe become an ordered list of steps.
@NullMarked
package dev.upcycle.plan;

import org.jspecify.annotations.NullMarked;
