package dev.upcycle.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.image.PixelStep.CentreCrop;
import dev.upcycle.image.PixelStep.ResizeShortestEdge;
import dev.upcycle.image.PixelStep.ResizeTo;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

class PreprocessingTest {
  private static final String CLIP = "\"image_processor_type\": \"CLIPImageProcessor\"";
  private static final String VIT = "\"image_processor_type\": \"ViTImageProcessor\"";
  private static final String SIGLIP = "\"image_processor_type\": \"SiglipImageProcessor\"";

  @TempDir Path folder;

  @Test
  void everyStoredCaseIsHuggingFacesToTheBit() throws IOException {
    List<JsonNode> cases = ImageGolden.cases("tensors");
    assertThat(cases).hasSize(42);
    for (JsonNode each : cases) {
      ImageTensor tensor = read(each.get("config").toString()).apply(picture(each));
      if (each.has("sha256")) {
        assertThat(ImageGolden.sha256(ImageGolden.littleEndian(tensor.values())))
            .as("%s", each)
            .isEqualTo(each.get("sha256").asString());
      } else {
        assertThat(tensor).as("%s", each).isEqualTo(expected(each));
      }
    }
  }

  @Test
  void rescalingInFloat32IsNotHuggingFaces() {
    JsonNode levels = ImageGolden.find("tensors", "name", "levels");
    float[] expected = expected(levels).values();
    float mean = (float) 0.48145466;
    float deviation = (float) 0.26862954;
    int other = 0;
    for (int level = 0; level < 256; level++) {
      float value = ((float) level * (float) (1.0 / 255) - mean) / deviation;
      other += value == expected[level] ? 0 : 1;
    }
    assertThat(other).isPositive();
  }

  @Test
  void anotherFilterGivesOtherValues() throws IOException {
    JsonNode each = ImageGolden.find("tensors", "name", "clip");
    ObjectNode config = ((ObjectNode) each.get("config")).deepCopy().put("resample", 1);
    assertThat(read(config.toString()).apply(picture(each))).isNotEqualTo(expected(each));
  }

  @Test
  void paddingAClipConfigGivesWhatLlavasProcessorGives() throws IOException {
    for (JsonNode each : ImageGolden.cases("tensors")) {
      if (each.get("name").asString().equals("llava-pad")) {
        ObjectNode config = ((ObjectNode) each.get("config")).deepCopy();
        config.put("image_processor_type", "CLIPImageProcessor").put("do_pad", false);
        Preprocessing padded = read(config.toString()).paddedToSquare();
        assertThat(padded.apply(picture(each))).isEqualTo(expected(each));
        assertThat(padded.paddedToSquare()).isEqualTo(padded);
      }
    }
  }

  @Test
  void theOldClipFormatWithBareNumbersIsRead() throws IOException {
    Preprocessing read =
        read(
            "{\"feature_extractor_type\": \"CLIPFeatureExtractor\", \"size\": 336,"
                + " \"crop_size\": 336, \"resample\": 3}");
    assertThat(read.pixelSteps())
        .containsExactly(new ResizeShortestEdge(336, Resampling.BICUBIC), new CentreCrop(336, 336));
  }

  @Test
  void whatVersionFiveWritesIsRead() throws IOException {
    Preprocessing read =
        read(
            "{\"image_processor_type\": \"CLIPImageProcessorFast\", \"data_format\":"
                + " \"channels_first\", \"default_to_square\": false, \"device\": null,"
                + " \"disable_grouping\": null, \"do_pad\": null, \"pad_size\": null,"
                + " \"size\": {\"shortest_edge\": 30}, \"crop_size\": {\"height\": 20,"
                + " \"width\": 10}, \"resample\": 2}");
    assertThat(read.pixelSteps())
        .containsExactly(new ResizeShortestEdge(30, Resampling.BILINEAR), new CentreCrop(10, 20));
  }

  @Test
  void whatTheConfigLeavesOutIsTheClasssDefault() throws IOException {
    assertThat(read("{" + CLIP + "}").pixelSteps())
        .containsExactly(new ResizeShortestEdge(224, Resampling.BICUBIC), new CentreCrop(224, 224));
    assertThat(read("{" + SIGLIP + "}").pixelSteps())
        .containsExactly(new ResizeTo(224, 224, Resampling.BICUBIC));
    assertThat(read("{" + VIT + "}").pixelSteps())
        .containsExactly(new ResizeTo(224, 224, Resampling.BILINEAR));
  }

  @Test
  void aConfigWithoutAClassTakesItFromTheModel() throws IOException {
    Files.writeString(folder.resolve("config.json"), "{\"model_type\": \"vit\"}");
    Preprocessing read = read("{\"size\": 384, \"resample\": 2, \"image_mean\": 0.25}");
    assertThat(read.pixelSteps()).containsExactly(new ResizeTo(384, 384, Resampling.BILINEAR));
    assertThat(read.mean()).isEqualTo(new ChannelValues(0.25, 0.25, 0.25));
  }

  @Test
  void theCombinedFileIsReadWhereThereIsNoOther() throws IOException {
    Files.writeString(
        folder.resolve("processor_config.json"),
        "{\"image_processor\": {" + SIGLIP + ", \"size\": {\"height\": 7, \"width\": 9}}}");
    assertThat(Preprocessing.read(folder).pixelSteps())
        .containsExactly(new ResizeTo(9, 7, Resampling.BICUBIC));
  }

  @Test
  void aMissingFileIsNamed() {
    refused(folder, "preprocessor_config.json: there is no such file");
  }

  @Test
  void unknownKeysAndWrongValuesAreRefusedAllAtOnce() {
    refused(
        "{"
            + CLIP
            + ", \"do_flip\": true, \"resample\": 9, \"size\": {\"longest_edge\": 3},"
            + " \"image_std\": [1, 0, 1], \"do_rescale\": 1, \"data_format\": \"channels_last\"}",
        "'do_flip' is true",
        "'resample' is 9, expected 0 to 5",
        "'size' is {\"longest_edge\":3}, expected {\"height\": …, \"width\": …} or",
        "'image_std' is [1,0,1], expected numbers other than 0",
        "'do_rescale' is 1, expected true or false",
        "'data_format' is \"channels_last\"");
  }

  @Test
  void anUnknownKeyThatIsNullIsNoComplaint() throws IOException {
    assertThat(read("{" + CLIP + ", \"some_day\": null}").pixelSteps()).hasSize(2);
  }

  @Test
  void aShorterSideWithALimitOfTheLongerIsRefused() {
    refused("{" + CLIP + ", \"size\": {\"shortest_edge\": 3, \"longest_edge\": 9}}", "'size' is");
  }

  @Test
  void whatTheGenerationsDoOtherwiseIsRefused() {
    refused("{" + VIT + ", \"do_center_crop\": true}", "'do_center_crop' is true, expected false");
    refused("{" + CLIP + ", \"do_pad\": true}", "'do_pad' is true, expected false");
    refused("{" + SIGLIP + ", \"size\": 224}", "'size' is 224");
  }

  @Test
  void anUnknownProcessorIsRefusedWithThoseThatAreKnown() {
    refused(
        "{\"image_processor_type\": \"Qwen2VLImageProcessor\"}",
        "\"Qwen2VLImageProcessor\"",
        "CLIPImageProcessor, SiglipImageProcessor, ViTImageProcessor, LlavaImageProcessor");
    refused("{\"size\": 3}", "names no image_processor_type");
  }

  @Test
  void aThinImageThatGrowsBeyondAnArrayIsRefused() {
    Preprocessing wide =
        new Preprocessing(
            List.of(new ResizeShortestEdge(30_000, Resampling.BOX)),
            List.of(),
            new ChannelValues(0, 0, 0));
    RgbImage line = ImageGolden.large(100_000, 1);
    assertThatThrownBy(() -> wide.apply(line))
        .isInstanceOf(ImageException.class)
        .hasMessageContaining("100000 x 1");
  }

  private Preprocessing read(String json) throws IOException {
    Files.writeString(folder.resolve("preprocessor_config.json"), json);
    return Preprocessing.read(folder);
  }

  private void refused(String json, String... messages) {
    for (String message : messages) {
      assertThatThrownBy(() -> read(json))
          .isInstanceOf(CheckpointFormatException.class)
          .hasMessageContaining(message);
    }
  }

  private static void refused(Path directory, String message) {
    assertThatThrownBy(() -> Preprocessing.read(directory))
        .isInstanceOf(CheckpointFormatException.class)
        .hasMessageContaining(message);
  }

  private static RgbImage picture(JsonNode each) {
    if (each.get("name").asString().equals("levels")) {
      byte[] samples = new byte[3 * 256];
      for (int i = 0; i < samples.length; i++) {
        samples[i] = (byte) (i / 3);
      }
      return RgbImage.of(16, 16, samples);
    }
    return ImageGolden.source("pictures", each.get("from"));
  }

  private static ImageTensor expected(JsonNode each) {
    JsonNode shape = each.get("shape");
    return ImageGolden.tensor(
        "tensors.bin",
        each.get("offset").longValue(),
        shape.get(0).intValue(),
        shape.get(1).intValue(),
        shape.get(2).intValue());
  }
}
