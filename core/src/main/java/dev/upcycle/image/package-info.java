/// Images as vision towers want them: decoded, resized as Pillow does, cropped and normalised as
/// Hugging Face's processors on Pillow and numpy do, bit for bit, and cut into S² tiles.
///
/// Plain Java on the heap: no LibTorch, no native memory, no state. An [RgbImage] or [ImageTensor]
/// never changes after it is made, and every type here may be shared between threads. It reads
/// baseline and progressive JPEG and PNG only, decodes no video, and writes nothing.
@NullMarked
package dev.upcycle.image;

import org.jspecify.annotations.NullMarked;
