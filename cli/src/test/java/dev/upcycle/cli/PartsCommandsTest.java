package dev.upcycle.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.cli.Session.Outcome;
import dev.upcycle.recipe.Recipes;
import dev.upcycle.sample.SyntheticModel;
import dev.upcycle.sample.TinyModel;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/// A LLaVA from parts that lie apart to a CuMo that answers.
class PartsCommandsTest {
  private static final int SIDE = 28;
  private static final int PLACES = 16;
  private static final long IMAGE = -200;

  private static final String TOKENIZER =
      """
      {"version": "1.0", "truncation": null, "padding": null,
       "added_tokens": [
        {"id": 1, "content": "<s>", "single_word": false, "lstrip": false, "rstrip": false,
         "normalized": false, "special": true},
        {"id": 2, "content": "</s>", "single_word": false, "lstrip": false, "rstrip": false,
         "normalized": false, "special": true}],
       "normalizer": null, "pre_tokenizer": {"type": "Whitespace"}, "decoder": null,
       "post_processor": {"type": "TemplateProcessing",
        "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}},
                   {"Sequence": {"id": "A", "type_id": 0}}],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}},
       "model": {"type": "WordLevel", "unk_token": "<unk>",
        "vocab": {"<pad>": 0, "<s>": 1, "</s>": 2, "<unk>": 3, "what": 4, "is": 5, "this": 6,
                  "a": 7, "cat": 8, "dog": 9, "?": 10}}}
      """;

  private static final String ROWS =
      """
      [{"id": "1", "image": "cat.png", "conversations": [
         {"from": "human", "value": "<image>\\nwhat is this ?"}, {"from": "gpt", "value": "a cat"}]},
       {"id": "2", "conversations": [
         {"from": "human", "value": "what is a cat ?"}, {"from": "gpt", "value": "a dog"}]}]
      """;

  @TempDir private Path work;

  @BeforeEach
  void makeParts() throws IOException {
    tiny("mistral-8x2", "language");
    Files.writeString(work.resolve("language/tokenizer.json"), TOKENIZER);
    tiny("clip-vit-4x2", "vision");
    Files.writeString(
        work.resolve("vision/preprocessor_config.json"),
        """
        {"image_processor_type": "CLIPImageProcessor", "size": {"shortest_edge": %d},
         "crop_size": {"height": %d, "width": %d}}
        """
            .formatted(SIDE, SIDE, SIDE));
    ObjectNode connector = JsonNodeFactory.instance.objectNode();
    connector.put("model_type", "mlp").put("input_size", 128).put("hidden_size", 64);
    connector.put("torch_dtype", "bfloat16").put("dtype", "bfloat16");
    new SyntheticModel(ModelConfig.of(connector), 1L << 40).write(work.resolve("connector"));
    BufferedImage image = new BufferedImage(30, 24, BufferedImage.TYPE_INT_RGB);
    for (int y = 0; y < 24; y++) {
      for (int x = 0; x < 30; x++) {
        image.setRGB(x, y, 0x3060c0 * (x + 3 * y + 1) & 0xffffff);
      }
    }
    ImageIO.write(image, "png", work.resolve("cat.png").toFile());
    Files.writeString(work.resolve("rows.json"), ROWS);
  }

  private void tiny(String recipe, String folder) {
    TinyModel.write(
        Recipes.resolve(Recipes.text(recipe, work), List.of(), Map.of()).recipe(),
        work.resolve(folder));
  }

  private Outcome run(String... arguments) {
    return Session.in(work).run(arguments);
  }

  private JsonNode document(String... arguments) {
    Outcome outcome = run(arguments);
    assertThat(outcome.code()).as(outcome.err() + outcome.out()).isZero();
    return JsonMapper.shared().readTree(outcome.out());
  }

  private Outcome withParts(String... before) {
    List<String> parts =
        List.of(
            "--model", "language=language",
            "--model", "vision=vision",
            "--model", "connector=connector/model.safetensors");
    return run(Stream.concat(List.of(before).stream(), parts.stream()).toArray(String[]::new));
  }

  private void convert(String recipe) {
    Outcome converted = withParts("convert", recipe, "--out", "moe");
    assertThat(converted.code()).as(converted.err()).isZero();
  }

  @Test
  void theTargetIsVerifiedAgainstThePartsAndRunBesideThem() {
    convert("cumo-mistral-7b");
    Outcome verified = withParts("verify", "moe");
    assertThat(verified.code()).as(verified.out() + verified.err()).isZero();
    assertThat(verified.out())
        .contains("2 images of noise", "features", "logits", "wrong expert would show", "verified");
    assertThat(withParts("verify", "moe", "--image", "cat.png").out()).contains("1 image and");
    JsonNode function =
        JsonMapper.shared()
            .readTree(withParts("verify", "moe", "--json", "--function").out())
            .get("function");
    assertThat(function.get("passed").asBoolean()).isTrue();
    assertThat(function.get("judged").asBoolean()).isTrue();
    assertThat(function.get("logits_relative_error").asDouble())
        .isLessThan(function.get("bound").asDouble());
  }

  @Test
  void theConvertedModelAnswersAboutAnImage() {
    convert("cumo-mistral-4x7b");
    JsonNode document =
        document(
            "generate",
            "moe",
            "--image",
            "cat.png",
            "--prompt",
            "what <image> is",
            "-n",
            "3",
            "--ignore-eos",
            "--json");
    assertThat(document.get("image_tokens").asLong()).isEqualTo(PLACES);
    assertThat(document.get("prompt_tokens").values().stream().map(JsonNode::longValue))
        .filteredOn(id -> id != IMAGE)
        .containsExactly(1L, 4L, 5L);
    assertThat(document.get("tokens")).hasSize(3);
  }

  @Test
  void theConvertedModelIsScoredWithTheLoadsOfAllItsParts() {
    convert("cumo-mistral-4x7b");
    JsonNode document = document("eval", "moe", "--data", "rows.json", "--json");
    assertThat(document.get("rows").asLong()).isEqualTo(2);
    assertThat(document.get("image_tokens").asLong()).isEqualTo(PLACES);
    assertThat(document.get("loss").asDouble()).isPositive();
    assertThat(document.get("layers").values().stream().map(layer -> layer.get("part").asString()))
        .containsExactly("vision", "connector", "language", "language");
  }

  @Test
  void anotherPartFailsTheVerificationByName() throws IOException {
    convert("cumo-mistral-7b");
    Path connector = work.resolve("connector/model.safetensors");
    byte[] bytes = Files.readAllBytes(connector);
    bytes[bytes.length - 1] ^= Byte.MIN_VALUE;
    Files.write(connector, bytes);
    Outcome verified = withParts("verify", "moe", "--no-function");
    assertThat(verified.code()).isEqualTo(5);
    assertThat(verified.err()).contains("model.mm_projector.experts");
  }
}
