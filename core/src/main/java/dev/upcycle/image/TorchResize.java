package dev.upcycle.image;

/// torch's `F.interpolate(mode="bicubic", align_corners=False)` in float32, without antialiasing.
///
/// The cubic convolution with a = -0.75 over four neighbours along each axis, edges repeated. It is
/// not Pillow's: another a, no widening when shrinking, no rounding to 8 bits.
public final class TorchResize {
  private static final float A = -0.75f;
  private static final int TAPS = 4;

  private TorchResize() {}

  /// The tensor at this size.
  ///
  /// @throws IllegalArgumentException when a side is below 1 or the result passes an array
  public static ImageTensor bicubic(ImageTensor image, int height, int width) {
    float[] target = new float[ImageTensor.room(image.channels(), height, width)];
    Axis rows = Axis.of(image.height(), height);
    Axis columns = Axis.of(image.width(), width);
    int plane = image.height() * image.width();
    int to = 0;
    for (int channel = 0; channel < image.channels(); channel++) {
      for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
          float sum = 0;
          for (int tap = 0; tap < TAPS; tap++) {
            int line = channel * plane + rows.position(y, tap) * image.width();
            sum += along(image.array(), line, columns, x) * rows.weight(y, tap);
          }
          target[to++] = sum;
        }
      }
    }
    return ImageTensor.owning(image.channels(), height, width, target);
  }

  private static float along(float[] source, int line, Axis columns, int x) {
    float sum = 0;
    for (int tap = 0; tap < TAPS; tap++) {
      sum += source[line + columns.position(x, tap)] * columns.weight(x, tap);
    }
    return sum;
  }

  /// Positions and weights along one axis, `[targets, 4]`.
  private static final class Axis {
    private final int[] positions;
    private final float[] weights;

    private Axis(int targets) {
      positions = new int[targets * TAPS];
      weights = new float[targets * TAPS];
    }

    static Axis of(int source, int target) {
      Axis axis = new Axis(target);
      float scale = (float) source / target;
      for (int at = 0; at < target; at++) {
        float exact = scale * (at + 0.5f) - 0.5f;
        int below = (int) Math.floor(exact);
        float rest = Math.clamp(exact - below, 0f, 1f);
        for (int tap = 0; tap < TAPS; tap++) {
          axis.positions[at * TAPS + tap] = Math.clamp(below + tap - 1, 0, source - 1);
        }
        axis.weights[at * TAPS] = far(rest + 1);
        axis.weights[at * TAPS + 1] = near(rest);
        axis.weights[at * TAPS + 2] = near(1 - rest);
        axis.weights[at * TAPS + 3] = far(1 - rest + 1);
      }
      return axis;
    }

    int position(int at, int tap) {
      return positions[at * TAPS + tap];
    }

    float weight(int at, int tap) {
      return weights[at * TAPS + tap];
    }

    private static float near(float x) {
      return ((A + 2) * x - (A + 3)) * x * x + 1;
    }

    private static float far(float x) {
      return ((A * x - 5 * A) * x + 8 * A) * x - 4 * A;
    }
  }
}
