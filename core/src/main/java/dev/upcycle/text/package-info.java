/// A model together with its tokenizer, ready to read and write text.
@NullMarked
package dev.upcycle.text;

import org.jspecify.annotations.NullMarked;
