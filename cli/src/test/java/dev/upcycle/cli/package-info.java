/// Commands in this process, and the packaged program as a process.
@NullMarked
package dev.upcycle.cli;

import org.jspecify.annotations.NullMarked;
