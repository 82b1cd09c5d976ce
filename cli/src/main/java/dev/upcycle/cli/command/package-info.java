/// One class per command, and the options that commands share.
@NullMarked
package dev.upcycle.cli.command;

import org.jspecify.annotations.NullMarked;
