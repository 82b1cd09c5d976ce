package dev.upcycle.sample;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/// What a drawn picture shows: one coloured shape somewhere.
record Scene(Colour colour, Shape shape, Place place) {
  /// One in so many combinations is never trained on.
  private static final int HELD_OUT = 6;

  enum Colour {
    RED(0xd62728),
    GREEN(0x2ca02c),
    BLUE(0x1f50d4),
    YELLOW(0xf2d40c),
    ORANGE(0xff7f0e),
    PURPLE(0x8020b0),
    BLACK(0x101010),
    GRAY(0x909090);

    private final int rgb;

    Colour(int rgb) {
      this.rgb = rgb;
    }

    /// Its red, green or blue, 0 to 255.
    int sample(int channel) {
      return rgb >> (16 - 8 * channel) & 0xff;
    }

    String word() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  enum Shape {
    CIRCLE(0),
    SQUARE(4),
    TRIANGLE(3),
    DIAMOND(4),
    CROSS(12),
    RING(0);

    private final int corners;

    Shape(int corners) {
      this.corners = corners;
    }

    int corners() {
      return corners;
    }

    String word() {
      return name().toLowerCase(Locale.ROOT);
    }

    /// Whether a point belongs to the shape, as far from its middle as this, where 1 is its edge.
    boolean covers(double right, double down) {
      double x = Math.abs(right);
      double y = Math.abs(down);
      double squared = x * x + y * y;
      return switch (this) {
        case CIRCLE -> squared <= 1;
        case SQUARE -> Math.max(x, y) <= 0.85;
        case TRIANGLE -> down <= 0.9 && x <= (down + 0.9) / 1.8;
        case DIAMOND -> x + y <= 1;
        case CROSS -> Math.max(x, y) <= 1 && Math.min(x, y) <= 0.3;
        case RING -> squared <= 1 && squared >= 0.36;
      };
    }
  }

  enum Place {
    TOP_LEFT(0, 0),
    TOP(0, 1),
    TOP_RIGHT(0, 2),
    LEFT(1, 0),
    CENTRE(1, 1),
    RIGHT(1, 2),
    BOTTOM_LEFT(2, 0),
    BOTTOM(2, 1),
    BOTTOM_RIGHT(2, 2);

    private final int row;
    private final int column;

    Place(int row, int column) {
      this.row = row;
      this.column = column;
    }

    int column() {
      return column;
    }

    int row() {
      return row;
    }

    String word() {
      return name().toLowerCase(Locale.ROOT).replace('_', ' ');
    }
  }

  /// All combinations, always in the same order.
  static List<Scene> all() {
    List<Scene> scenes = new ArrayList<>();
    for (Colour colour : Colour.values()) {
      for (Shape shape : Shape.values()) {
        for (Place place : Place.values()) {
          scenes.add(new Scene(colour, shape, place));
        }
      }
    }
    return scenes;
  }

  /// Whether it is only ever asked about and never learned. Each colour, shape and place is learned
  /// in other combinations, and so is each pair of them.
  boolean heldOut() {
    int sum = index(colour, Colour.values()) + index(shape, Shape.values());
    return (sum + index(place, Place.values())) % HELD_OUT == 0;
  }

  private static <T> int index(T value, T[] values) {
    return Arrays.asList(values).indexOf(value);
  }

  /// The name of its picture's file.
  String fileName() {
    return "%s-%s-%s.png".formatted(colour.word(), shape.word(), place.word().replace(' ', '-'));
  }
}
