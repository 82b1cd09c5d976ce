package dev.upcycle.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.image.Framing.Colour;
import org.junit.jupiter.api.Test;

class FramingTest {
  private static final Colour MARK = new Colour(9, 8, 7);

  @Test
  void clipsMeanIsTheColourThatLlavaPadsWith() {
    ChannelValues mean = new ChannelValues(0.48145466, 0.4578275, 0.40821073);
    assertThat(Colour.ofMean(mean)).isEqualTo(new Colour(122, 116, 104));
  }

  @Test
  void anOddRestIsCutAtTheBottomAndRight() {
    RgbImage cropped = Framing.centreCrop(numbered(5, 4), 2, 1);
    assertThat(reds(cropped)).containsExactly(6, 7);
  }

  @Test
  void anOddRestIsFilledAtTheTopAndLeft() {
    RgbImage filled = Framing.centreCrop(numbered(1, 1), 2, 4);
    assertThat(reds(filled)).containsExactly(0, 0, 0, 0, 0, 0, 0, 0);
    RgbImage marked = Framing.centreCrop(RgbImage.of(1, 1, new byte[] {5, 5, 5}), 2, 4);
    assertThat(reds(marked)).containsExactly(0, 0, 0, 0, 0, 5, 0, 0);
  }

  @Test
  void oneSideIsCutWhileTheOtherIsFilled() {
    RgbImage cropped = Framing.centreCrop(numbered(4, 1), 2, 3);
    assertThat(reds(cropped)).containsExactly(0, 0, 1, 2, 0, 0);
  }

  @Test
  void aWideImageIsPaddedAboveAndBelow() {
    RgbImage square = Framing.padToSquare(numbered(4, 1), MARK);
    assertThat(reds(square)).containsExactly(9, 9, 9, 9, 0, 1, 2, 3, 9, 9, 9, 9, 9, 9, 9, 9);
    assertThat(square.samples()).startsWith(9, 8, 7);
  }

  @Test
  void aTallImageIsPaddedLeftAndRight() {
    RgbImage square = Framing.padToSquare(numbered(1, 3), MARK);
    assertThat(reds(square)).containsExactly(9, 0, 9, 9, 1, 9, 9, 2, 9);
  }

  @Test
  void aSquareStaysAsItIs() {
    RgbImage image = numbered(3, 3);
    assertThat(Framing.padToSquare(image, MARK)).isEqualTo(image);
  }

  @Test
  void aColourOutsideEightBitsIsRefused() {
    assertThatThrownBy(() -> new Colour(0, 256, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("256");
  }

  private static RgbImage numbered(int width, int height) {
    byte[] samples = new byte[3 * width * height];
    for (int i = 0; i < samples.length; i++) {
      samples[i] = (byte) (i / 3);
    }
    return RgbImage.of(width, height, samples);
  }

  private static int[] reds(RgbImage image) {
    int[] reds = new int[image.width() * image.height()];
    for (int i = 0; i < reds.length; i++) {
      reds[i] = image.samples()[3 * i];
    }
    return reds;
  }
}
