/// A strict interpreter of the part of Jinja that chat templates use.
///
/// A template is untrusted input: it reaches nothing but the values it is given, and its steps,
/// depth and output are limited. What the interpreter does not know is an error with line and
/// column, never a guess.
@NullMarked
package dev.upcycle.chat.jinja;

import org.jspecify.annotations.NullMarked;
