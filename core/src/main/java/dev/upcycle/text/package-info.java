/// A model together with its tokenizer and its preprocessing, ready to read and write text and to
/// look at images.
@NullMarked
package dev.upcycle.text;

import org.jspecify.annotations.NullMarked;
