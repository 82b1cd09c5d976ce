package dev.upcycle.sample;

import java.util.Arrays;

/// Draws a scene, pixel by pixel, the same on every machine.
///
/// @param side pixels of the square
record ScenePicture(int side) {
  private static final int CHANNELS = 3;
  private static final byte BACKGROUND = (byte) 0xf4;
  private static final int CELLS = 3;
  private static final int POINTS = 4;

  /// Red, green and blue, row by row.
  byte[] samples(Scene scene) {
    byte[] samples = new byte[side * side * CHANNELS];
    Arrays.fill(samples, BACKGROUND);
    for (int y = 0; y < side; y++) {
      for (int x = 0; x < side; x++) {
        blend(samples, (y * side + x) * CHANNELS, scene.colour(), covered(scene, x, y));
      }
    }
    return samples;
  }

  /// Mixes a colour in, so many sixteenths of it.
  private static void blend(byte[] samples, int at, Scene.Colour colour, int covered) {
    int all = POINTS * POINTS;
    for (int channel = 0; channel < CHANNELS; channel++) {
      int mixed =
          colour.sample(channel) * covered + (BACKGROUND & 0xff) * (all - covered) + all / 2;
      samples[at + channel] = (byte) (mixed / all);
    }
  }

  /// How many of sixteen points of a pixel the shape covers.
  private int covered(Scene scene, int x, int y) {
    double cell = (double) side / CELLS;
    double radius = cell * 0.45;
    double middleX = (scene.place().column() + 0.5) * cell;
    double middleY = (scene.place().row() + 0.5) * cell;
    int covered = 0;
    for (int across = 0; across < POINTS; across++) {
      for (int along = 0; along < POINTS; along++) {
        double right = (x + (across + 0.5) / POINTS - middleX) / radius;
        double down = (y + (along + 0.5) / POINTS - middleY) / radius;
        covered += scene.shape().covers(right, down) ? 1 : 0;
      }
    }
    return covered;
  }

  /// The picture as a PNG file.
  byte[] png(Scene scene) {
    return PngWriter.rgb(side, side, samples(scene));
  }
}
