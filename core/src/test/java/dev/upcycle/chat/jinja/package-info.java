@NullMarked
package dev.upcycle.chat.jinja;

import org.jspecify.annotations.NullMarked;
