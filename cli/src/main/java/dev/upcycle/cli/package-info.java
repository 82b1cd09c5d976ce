/// The command line: parsing, printing, exit codes. The only place that prints or exits.
@NullMarked
package dev.upcycle.cli;

import org.jspecify.annotations.NullMarked;
