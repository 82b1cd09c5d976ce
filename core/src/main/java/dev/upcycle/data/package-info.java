/// Text and tokens: tokenizers that stay offline, and text that comes back from tokens.
@NullMarked
package dev.upcycle.data;

import org.jspecify.annotations.NullMarked;
