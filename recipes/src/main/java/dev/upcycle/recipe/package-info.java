/// What a user may ask for: the recipe file, its reader, its schema and the shipped recipes.
///
/// Nothing here opens a checkpoint or knows a device. All types are immutable.
@NullMarked
package dev.upcycle.recipe;

import org.jspecify.annotations.NullMarked;
