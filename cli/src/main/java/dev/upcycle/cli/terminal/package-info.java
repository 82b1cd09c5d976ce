/// What the user sees: streams, tables, sizes, progress, JSON documents, the log file.
///
/// Ownership: a [Terminal] owns its log file until it is closed; the streams belong to the caller.
@NullMarked
package dev.upcycle.cli.terminal;

import org.jspecify.annotations.NullMarked;
