package dev.upcycle.model;

import dev.upcycle.arch.Dimensions;

/// What an image tower takes for one image, `[channels, side, side]`.
public record PixelShape(int channels, int side) {
  static PixelShape of(Dimensions dimensions) {
    return new PixelShape(
        Math.toIntExact(dimensions.require("channels")),
        Math.toIntExact(dimensions.require("image")));
  }
}
