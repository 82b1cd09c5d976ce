/// Measurements that a user can repeat: each against a baseline in the same run.
///
/// Nothing here prints; results are records.
@NullMarked
package dev.upcycle.bench;

import org.jspecify.annotations.NullMarked;
