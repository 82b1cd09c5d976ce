/// The mathematics on LibTorch; the only module that imports `org.bytedeco`.
///
/// Nothing here knows a checkpoint, a recipe or a model family.
@NullMarked
package dev.upcycle.kernels;

import org.jspecify.annotations.NullMarked;
