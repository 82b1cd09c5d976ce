/// What a checkpoint is and can become, from headers only.
@NullMarked
package dev.upcycle.inspect;

import org.jspecify.annotations.NullMarked;
