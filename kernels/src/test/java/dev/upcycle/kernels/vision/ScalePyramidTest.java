package dev.upcycle.kernels.vision;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.kernels.Closeness;
import dev.upcycle.kernels.ScopePerTest;
import dev.upcycle.kernels.tensor.Functions;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.Tensors;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(ScopePerTest.class)
class ScalePyramidTest {
  private static final int IMAGES = 2;
  private static final int CHANNELS = 3;
  private static final int SIDE = 4;
  private final Tensor pixels = Tensors.normal(1, IMAGES, CHANNELS, SIDE, SIDE);

  /// A tower of patches of one pixel that gives the pixels back.
  private static Tensor glass(Tensor tiles) {
    return tiles.reshape(tiles.size(0), CHANNELS, SIDE * SIDE).transpose(1, 2);
  }

  @Test
  void tilesAreTheParentsOfTheEnlargedImageFirstTilesFirst() {
    Tensor large = Functions.bicubic(pixels, 3 * SIDE, 3 * SIDE);
    Tensor tiles = ScalePyramid.tiles(pixels, 3);
    assertThat(tiles.shape()).containsExactly(9 * IMAGES, CHANNELS, SIDE, SIDE);
    for (int tile = 0; tile < 9; tile++) {
      Tensor expected =
          large.narrow(2, (long) tile / 3 * SIDE, SIDE).narrow(3, (long) tile % 3 * SIDE, SIDE);
      assertThat(tiles.narrow(0, (long) tile * IMAGES, IMAGES).isEqualTo(expected)).isTrue();
    }
  }

  @Test
  void tilesThatAreStitchedAndAveragedAreTheEnlargedImageAveraged() {
    Tensor both = new ScalePyramid(List.of(1, 3)).forward(pixels, ScalePyramidTest::glass);
    assertThat(both.shape()).containsExactly(IMAGES, SIDE * SIDE, 2 * CHANNELS);
    Tensor averaged =
        Functions.bicubic(pixels, 3 * SIDE, 3 * SIDE)
            .view(IMAGES, CHANNELS, SIDE, 3, SIDE, 3)
            .mean(5)
            .mean(3);
    assertThat(both.narrow(2, 0, CHANNELS).isEqualTo(glass(pixels))).isTrue();
    assertThat(Closeness.relativeError(glass(averaged), both.narrow(2, CHANNELS, CHANNELS)))
        .isLessThan(1e-6);
  }

  @Test
  void anImageOfOneColourLooksTheSameAtEveryScale() {
    Tensor flat = pixels.narrow(2, 0, 1).narrow(3, 0, 1).expand(IMAGES, CHANNELS, SIDE, SIDE);
    Tensor both = new ScalePyramid(List.of(2, 1)).forward(flat, ScalePyramidTest::glass);
    assertThat(
            Closeness.relativeError(
                both.narrow(2, CHANNELS, CHANNELS), both.narrow(2, 0, CHANNELS)))
        .isLessThan(1e-6);
  }

  @Test
  void theTowerSeesOneImageAtScaleOneAndSquaredTilesAtOthers() {
    List<Long> sizes = new ArrayList<>();
    Tensor _ =
        new ScalePyramid(List.of(1, 3))
            .forward(
                pixels,
                tiles -> {
                  sizes.add(tiles.size(0));
                  return glass(tiles);
                });
    assertThat(sizes).containsExactly((long) IMAGES, 9L * IMAGES);
  }

  @Test
  void scalesBelowOneAreRefused() {
    assertThatThrownBy(() -> new ScalePyramid(List.of(1, 0)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("scales must be whole numbers from 1, not [1, 0]");
    assertThatThrownBy(() -> new ScalePyramid(List.of()))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
