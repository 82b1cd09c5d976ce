/// The mathematics on LibTorch; the only module that imports `org.bytedeco`.
///
/// Nothing here knows a checkpoint, a recipe or a model family. Only [dev.upcycle.kernels.tensor]
/// touches native types, and none of its public signatures shows one.
@NullMarked
package dev.upcycle.kernels;

import org.jspecify.annotations.NullMarked;
