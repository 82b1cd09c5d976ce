/// Tests of writing, on real files.
@NullMarked
package dev.upcycle.checkpoint.write;

import org.jspecify.annotations.NullMarked;
