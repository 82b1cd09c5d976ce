/// What the user sees.
@NullMarked
package dev.upcycle.cli.terminal;

import org.jspecify.annotations.NullMarked;
