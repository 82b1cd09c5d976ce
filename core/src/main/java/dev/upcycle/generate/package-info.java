/// Text from a model, a token at a time.
@NullMarked
package dev.upcycle.generate;

import org.jspecify.annotations.NullMarked;
