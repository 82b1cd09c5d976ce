/// Tests of writing, on real files.
@NullMarked
package dev.upcycle.checkpoint.torch;

import org.jspecify.annotations.NullMarked;
