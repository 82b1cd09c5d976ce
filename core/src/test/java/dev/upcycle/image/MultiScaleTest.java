package dev.upcycle.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

class MultiScaleTest {
  /// See PRECISION.md, "Images".
  private static final double TOLERANCE = 2e-6;

  @Test
  void enlargingIsTorchsWithinTheRoundingOfItsWeights() {
    assertThat(ImageGolden.cases("scales")).hasSize(5);
    for (JsonNode each : ImageGolden.cases("scales")) {
      ImageTensor wide = wide(each);
      ImageTensor enlarged = TorchResize.bicubic(source(each), wide.height(), wide.width());
      assertThat(relativeError(wide, enlarged)).as("%s", each).isLessThan(TOLERANCE);
    }
  }

  @Test
  void aShiftByAHundredthOfAPixelIsFarOutsideTheTolerance() {
    JsonNode each = ImageGolden.cases("scales").getFirst();
    ImageTensor wide = wide(each);
    float[] shifted = wide.values();
    for (int i = 0; i + 1 < shifted.length; i++) {
      shifted[i] += 0.01f * (wide.values()[i + 1] - wide.values()[i]);
    }
    ImageTensor other = ImageTensor.of(3, wide.height(), wide.width(), shifted);
    assertThat(relativeError(wide, other)).isGreaterThan(1000 * TOLERANCE);
  }

  @Test
  void averagingIsTorchsAreaToTheBit() {
    for (JsonNode each : ImageGolden.cases("scales")) {
      ImageTensor pooled = MultiScale.areaPool(wide(each), each.get("scale").intValue());
      assertThat(relativeError(stored(each, "area", 1), pooled)).as("%s", each).isZero();
    }
  }

  @Test
  void tilesAreTheEnlargedTensorRowByRow() {
    JsonNode each = ImageGolden.cases("scales").getFirst();
    List<ImageTensor> tiles = MultiScale.tiles(source(each), 3);
    assertThat(tiles).hasSize(9);
    ImageTensor wide = TorchResize.bicubic(source(each), 18, 18);
    // row 1, column 2 of 3 x 3 tiles of 6 x 6: its corner is (12, 6)
    assertThat(tiles.get(5).values()[0]).isEqualTo(wide.values()[6 * 18 + 12]);
    assertThat(tiles.get(1).values()[0]).isEqualTo(wide.values()[6]);
    assertThat(MultiScale.merge(tiles, 3)).isEqualTo(wide);
  }

  @Test
  void scaleOneIsTheTensorItself() {
    ImageTensor image = noise(new Random(1), 2, 3, 4);
    assertThat(MultiScale.tiles(image, 1)).containsExactly(image);
  }

  @Test
  void splittingAndMergingGiveTheTensorBack() {
    Random random = new Random(2);
    for (int turn = 0; turn < 50; turn++) {
      int perSide = 1 + random.nextInt(5);
      ImageTensor image =
          noise(
              random,
              1 + random.nextInt(4),
              perSide * (1 + random.nextInt(6)),
              perSide * (1 + random.nextInt(6)));
      List<ImageTensor> tiles = MultiScale.split(image, perSide);
      assertThat(tiles).hasSize(perSide * perSide);
      assertThat(MultiScale.merge(tiles, perSide)).isEqualTo(image);
      if (tiles.size() > 1) {
        assertThat(MultiScale.merge(tiles.reversed(), perSide)).isNotEqualTo(image);
      }
    }
  }

  @Test
  void sidesThatCannotBeDividedAreRefusedWithTheNumbers() {
    ImageTensor image = noise(new Random(3), 1, 6, 7);
    assertThatThrownBy(() -> MultiScale.split(image, 3))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("1 x 6 x 7")
        .hasMessageContaining("3 times");
    assertThatThrownBy(() -> MultiScale.areaPool(image, 2))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void missingAndUnequalTilesAreRefused() {
    ImageTensor small = noise(new Random(4), 1, 2, 2);
    ImageTensor large = noise(new Random(4), 1, 2, 3);
    assertThatThrownBy(() -> MultiScale.merge(List.of(small, small, small), 2))
        .hasMessageContaining("3 tiles for 2 x 2");
    assertThatThrownBy(() -> MultiScale.merge(List.of(small, small, large, small), 2))
        .hasMessageContaining("tile 2 is");
  }

  @Test
  void pillowsCubicIsNotTorchs() {
    // Pillow's a is -0.5, torch's -0.75: an edge overshoots further
    ImageTensor edge = ImageTensor.of(1, 1, 4, new float[] {0, 0, 1, 1});
    float[] wide = TorchResize.bicubic(edge, 1, 8).values();
    float most = 0;
    for (float value : wide) {
      most = Math.max(most, value);
    }
    assertThat(most).isBetween(1.1f, 1.2f);
  }

  private static ImageTensor noise(Random random, int channels, int height, int width) {
    float[] values = new float[channels * height * width];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return ImageTensor.of(channels, height, width, values);
  }

  private static ImageTensor source(JsonNode each) {
    return stored(each, "in", 1);
  }

  private static ImageTensor wide(JsonNode each) {
    return stored(each, "bicubic", each.get("scale").intValue());
  }

  private static ImageTensor stored(JsonNode each, String key, int scale) {
    JsonNode shape = each.get("shape");
    return ImageGolden.tensor(
        "scales.bin",
        each.get(key).longValue(),
        shape.get(0).intValue(),
        shape.get(1).intValue() * scale,
        shape.get(2).intValue() * scale);
  }

  /// `max|a - b| / max|a|`.
  private static double relativeError(ImageTensor expected, ImageTensor found) {
    double largest = 0;
    double distance = 0;
    for (int i = 0; i < expected.values().length; i++) {
      largest = Math.max(largest, Math.abs(expected.values()[i]));
      distance = Math.max(distance, Math.abs(expected.values()[i] - found.values()[i]));
    }
    return distance / largest;
  }
}
