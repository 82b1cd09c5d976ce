package dev.upcycle.image;

import dev.upcycle.image.Framing.Colour;

/// A change of an image's size or frame, on 8-bit samples.
public sealed interface PixelStep {
  /// The image after this step.
  RgbImage apply(RgbImage image);

  /// To these sides, whatever the proportions.
  ///
  /// @param filter Pillow's
  record ResizeTo(int width, int height, Resampling filter) implements PixelStep {
    /// Refuses sides below 1.
    public ResizeTo {
      requireSides(width, height);
    }

    @Override
    public RgbImage apply(RgbImage image) {
      return Resize.of(image, width, height, filter);
    }
  }

  /// To this shorter side, proportions kept; the longer is cut off to a whole number.
  ///
  /// @param filter Pillow's
  record ResizeShortestEdge(int side, Resampling filter) implements PixelStep {
    /// Refuses a side below 1.
    public ResizeShortestEdge {
      requireSides(side, side);
    }

    @Override
    public RgbImage apply(RgbImage image) {
      boolean upright = image.width() <= image.height();
      int shorter = Math.min(image.width(), image.height());
      int longer = Math.max(image.width(), image.height());
      // a division of doubles and not of whole numbers, as the original; exact below 2^53
      double exact = (double) ((long) side * longer) / shorter;
      if (exact > Integer.MAX_VALUE) {
        throw new ImageException(
            "an image of "
                + image.width()
                + " x "
                + image.height()
                + " pixels cannot have a shorter side of "
                + side
                + ", its longer one would pass what an array holds; crop it");
      }
      int scaled = (int) exact;
      return Resize.of(image, upright ? side : scaled, upright ? scaled : side, filter);
    }
  }

  /// The middle, see [Framing#centreCrop].
  record CentreCrop(int width, int height) implements PixelStep {
    /// Refuses sides below 1.
    public CentreCrop {
      requireSides(width, height);
    }

    @Override
    public RgbImage apply(RgbImage image) {
      return Framing.centreCrop(image, width, height);
    }
  }

  /// A square around it, see [Framing#padToSquare].
  record PadToSquare(Colour background) implements PixelStep {
    @Override
    public RgbImage apply(RgbImage image) {
      return Framing.padToSquare(image, background);
    }
  }

  private static void requireSides(int width, int height) {
    if (width < 1 || height < 1) {
      throw new IllegalArgumentException("a size of " + width + " x " + height + " pixels");
    }
  }
}
