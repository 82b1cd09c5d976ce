/// Blocks of vision towers and of models that read images beside text.
///
/// Legend of shapes: `pixels` `[images, channels, height, width]`; `patches` how many patches an
/// image has, row by row; `places` is `patches` and 1 more where there is a class token.
@NullMarked
package dev.upcycle.kernels.vision;

import org.jspecify.annotations.NullMarked;
