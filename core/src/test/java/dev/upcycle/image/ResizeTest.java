package dev.upcycle.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import tools.jackson.databind.JsonNode;

class ResizeTest {
  @ParameterizedTest
  @EnumSource
  void everyStoredSizeIsPillowsToTheBit(Resampling filter) {
    List<JsonNode> cases = cases(filter);
    assertThat(cases).hasSize(20);
    for (JsonNode each : cases) {
      RgbImage resized = resized(each, filter);
      if (each.has("sha256")) {
        assertThat(ImageGolden.sha256(resized.samples()))
            .as("%s", each)
            .isEqualTo(each.get("sha256").asString());
      } else {
        assertThat(ImageGolden.distance(resized, expected(each))).as("%s", each).isZero();
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void anyOtherFilterGivesOtherSamples(Resampling filter) {
    for (Resampling other : Resampling.values()) {
      List<Integer> distances = new ArrayList<>();
      for (JsonNode each : cases(filter)) {
        if (!each.has("sha256")) {
          Integer distance = ImageGolden.distance(resized(each, other), expected(each));
          distances.add(distance == null ? 0 : distance);
        }
      }
      if (other != filter) {
        assertThat(distances).as("%s in the place of %s", other, filter).anyMatch(d -> d > 1);
      }
    }
  }

  @Test
  void columnsBeforeRowsIsNotPillows() {
    JsonNode each = cases(Resampling.BICUBIC).getFirst();
    RgbImage source = ImageGolden.source("sources", each.get("from"));
    RgbImage tall = Resize.of(source, 29, 46, Resampling.BICUBIC);
    RgbImage columnsFirst = Resize.of(tall, 58, 46, Resampling.BICUBIC);
    assertThat(columnsFirst).isNotEqualTo(expected(each));
  }

  @ParameterizedTest
  @EnumSource
  void aConstantImageStaysConstant(Resampling filter) {
    Random random = new Random(11);
    for (int turn = 0; turn < 40; turn++) {
      int width = 1 + random.nextInt(40);
      int height = 1 + random.nextInt(40);
      byte[] samples = new byte[3 * width * height];
      Arrays.fill(samples, (byte) random.nextInt(256));
      RgbImage image = RgbImage.of(width, height, samples);
      byte[] expected = new byte[3 * (1 + turn) * 17];
      Arrays.fill(expected, samples[0]);
      assertThat(Resize.of(image, 1 + turn, 17, filter).samples()).isEqualTo(expected);
    }
  }

  @ParameterizedTest
  @EnumSource
  void theSameSizeIsTheSameImage(Resampling filter) {
    RgbImage image = ImageGolden.large(31, 17);
    assertThat(Resize.of(image, 31, 17, filter)).isEqualTo(image);
  }

  @ParameterizedTest
  @EnumSource
  void eachChannelIsResizedForItself(Resampling filter) {
    byte[] samples = ImageGolden.large(23, 19).samples();
    byte[] swapped = samples.clone();
    for (int i = 0; i < samples.length; i += 3) {
      swapped[i] = samples[i + 2];
      swapped[i + 2] = samples[i];
    }
    byte[] straight = Resize.of(RgbImage.of(23, 19, samples), 40, 8, filter).samples();
    byte[] crossed = Resize.of(RgbImage.of(23, 19, swapped), 40, 8, filter).samples();
    for (int i = 0; i < straight.length; i += 3) {
      assertThat(crossed[i]).isEqualTo(straight[i + 2]);
      assertThat(crossed[i + 1]).isEqualTo(straight[i + 1]);
    }
  }

  @Test
  void aSideBelowOneIsRefused() {
    RgbImage image = ImageGolden.large(4, 4);
    assertThatThrownBy(() -> Resize.of(image, 0, 4, Resampling.BOX))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("0 x 4");
  }

  @Test
  void aResultThatNoArrayHoldsIsRefusedBeforeItIsMade() {
    RgbImage image = ImageGolden.large(4, 4);
    assertThatThrownBy(() -> Resize.of(image, 32_768, 32_768, Resampling.BOX))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("passes what an array holds");
  }

  @Test
  void filtersAreFoundByPillowsNumbers() {
    for (Resampling filter : Resampling.values()) {
      assertThat(Resampling.find(filter.number())).contains(filter);
    }
    assertThat(Resampling.find(6)).isEmpty();
  }

  private static List<JsonNode> cases(Resampling filter) {
    return ImageGolden.cases("resize").stream()
        .filter(each -> each.get("filter").asString().equals(filter.name()))
        .toList();
  }

  private static RgbImage resized(JsonNode each, Resampling filter) {
    return Resize.of(
        ImageGolden.source("sources", each.get("from")), width(each), height(each), filter);
  }

  private static RgbImage expected(JsonNode each) {
    return ImageGolden.image(
        "resized.bin", each.get("offset").longValue(), width(each), height(each));
  }

  private static int width(JsonNode each) {
    return each.get("to").get(0).intValue();
  }

  private static int height(JsonNode each) {
    return each.get("to").get(1).intValue();
  }
}
