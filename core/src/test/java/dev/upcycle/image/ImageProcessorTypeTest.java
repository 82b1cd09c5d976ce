package dev.upcycle.image;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ImageProcessorTypeTest {
  @ParameterizedTest
  @CsvSource({
    "clip_vision_model, clip_moe_vision_model",
    "clip, clip_moe",
    "clip, openai_clip_moe",
    "clip_vision_model, cumo_vision",
    "clip_vision_model, cumo_moe_vision",
    "siglip_vision_model, siglip_moe_vision_model",
    "siglip, siglip_moe",
    "vit, vit_moe",
    "llava, llava_moe",
    "llava, llava_mistral",
    "llava, llava_mixtral"
  })
  void aModelWithExpertsPreparesImagesAsItsDenseOne(String dense, String experts) {
    assertThat(ImageProcessorType.findByModel(experts))
        .isPresent()
        .isEqualTo(ImageProcessorType.findByModel(dense));
  }

  @Test
  void aDecoderPreparesNone() {
    assertThat(ImageProcessorType.findByModel("mistral")).isEmpty();
  }
}
