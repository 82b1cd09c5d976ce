package dev.upcycle.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.cli.Session.Outcome;
import dev.upcycle.recipe.Recipes;
import dev.upcycle.sample.TinyModel;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// The commands on models that look at images.
class SeeingCommandsTest {
  private static final Path GOLDEN =
      Path.of(System.getProperty("upcycle.root"))
          .resolve("test-fixtures/src/main/resources/dev/upcycle/fixtures/golden/vision");

  private static final int PLACES = 16;
  private static final long IMAGE = 60;

  private static final String TOKENIZER =
      """
      {"version": "1.0", "truncation": null, "padding": null,
       "added_tokens": [%s
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
                  "a": 7, "cat": 8, "dog": 9, "USER": 10, "ASSISTANT": 11, ":": 12, "?": 13}}}
      """;

  private static final String MARK =
      """
      {"id": 60, "content": "<image>", "single_word": false, "lstrip": false, "rstrip": false,
       "normalized": false, "special": true},
      """;

  @TempDir private Path work;

  @BeforeEach
  void makeModels() throws IOException {
    copy("llava-moe");
    copy("llava");
    copy("llava-mixtral");
    picture("cat.png", 0x3060c0);
    picture("dog.png", 0xc03010);
  }

  private void copy(String name) throws IOException {
    Path model = Files.createDirectory(work.resolve(name));
    try (Stream<Path> files = Files.list(GOLDEN.resolve(name).resolve("model"))) {
      for (Path file : files.toList()) {
        Files.copy(file, model.resolve(String.valueOf(file.getFileName())));
      }
    }
    Files.writeString(model.resolve("tokenizer.json"), TOKENIZER.formatted(""));
    preprocessing(model, 16);
  }

  private static void preprocessing(Path model, int side) throws IOException {
    Files.writeString(
        model.resolve("preprocessor_config.json"),
        """
        {"image_processor_type": "CLIPImageProcessor", "size": {"shortest_edge": %d},
         "crop_size": {"height": %d, "width": %d}}
        """
            .formatted(side, side, side));
  }

  private void picture(String name, int colour) throws IOException {
    BufferedImage image = new BufferedImage(24, 20, BufferedImage.TYPE_INT_RGB);
    for (int y = 0; y < 20; y++) {
      for (int x = 0; x < 24; x++) {
        image.setRGB(x, y, colour * (x + 3 * y + 1) & 0xffffff);
      }
    }
    ImageIO.write(image, "png", work.resolve(name).toFile());
  }

  private Outcome run(String... arguments) {
    return Session.in(work).run(arguments);
  }

  private JsonNode document(String... arguments) {
    Outcome outcome = run(arguments);
    assertThat(outcome.code()).as(outcome.err()).isZero();
    return JsonMapper.shared().readTree(outcome.out());
  }

  private JsonNode generate(String model, String... more) {
    List<String> arguments = new ArrayList<>(List.of("generate", model, "-n", "4", "--json"));
    arguments.addAll(List.of(more));
    return document(arguments.toArray(String[]::new));
  }

  private static List<Long> longs(JsonNode array) {
    return array.values().stream().map(JsonNode::longValue).toList();
  }

  private static List<Long> shortened(JsonNode document) {
    List<Long> all = longs(document.get("prompt_tokens"));
    int first = all.indexOf(IMAGE);
    List<Long> words = new ArrayList<>(all.subList(0, first + 1));
    words.addAll(all.subList(first + PLACES, all.size()));
    return words;
  }

  @ParameterizedTest
  @ValueSource(strings = {"llava", "llava-moe"})
  void anImageTakesAsManyPlacesAsItHasFeatures(String model) {
    JsonNode document =
        generate(model, "--image", "cat.png", "--prompt", "what <image> is", "--ignore-eos");
    assertThat(document.get("images").get(0).asString()).isEqualTo("cat.png");
    assertThat(document.get("image_tokens").asLong()).isEqualTo(PLACES);
    assertThat(shortened(document)).containsExactly(1L, 4L, IMAGE, 5L);
    assertThat(document.get("tokens")).hasSize(4);
  }

  @Test
  void aTokenizersOwnMarkIsReadAsTheTokenizerHasIt() throws IOException {
    Files.writeString(work.resolve("llava/tokenizer.json"), TOKENIZER.formatted(MARK));
    JsonNode document = generate("llava", "--image", "cat.png", "--prompt", "what <image> is");
    assertThat(shortened(document)).containsExactly(1L, 4L, IMAGE, 5L);
  }

  @Test
  void templatesPutTheImageFirst() {
    JsonNode plain =
        generate("llava", "--image", "cat.png", "--template", "plain", "--prompt", "a");
    assertThat(shortened(plain)).containsExactly(1L, IMAGE, 7L);
    JsonNode vicuna =
        generate("llava", "--image", "cat.png", "--template", "v1", "--prompt", "what ?");
    List<Long> words = shortened(vicuna);
    assertThat(words.subList(words.indexOf(10L), words.size()))
        .containsExactly(10L, 12L, IMAGE, 4L, 13L, 11L, 12L);
    JsonNode mistral =
        generate(
            "llava",
            "--image",
            "cat.png",
            "--template",
            "mistral_instruct_system",
            "--prompt",
            "what ?");
    assertThat(shortened(mistral)).startsWith(1L, 1L).contains(IMAGE);
  }

  @Test
  void theModelsOwnTemplateIsGivenImagesAndTexts() throws IOException {
    Files.writeString(
        work.resolve("llava/chat_template.jinja"),
        "{{ '<s>' }}{% for m in messages %}{% for c in m.content %}{% if c.type == 'image'"
            + " %}<image>{% else %}{{ c.text }}{% endif %}{% endfor %}{% endfor %}");
    JsonNode document = generate("llava", "--image", "cat.png", "--chat", "--prompt", "what ?");
    assertThat(shortened(document)).containsSubsequence(1L, IMAGE, 4L, 13L);
  }

  @Test
  void aTemplateOfTextsIsGivenTexts() throws IOException {
    Files.writeString(
        work.resolve("llava/chat_template.jinja"), "{{ '<s>' + messages[0].content }}");
    JsonNode document = generate("llava", "--image", "cat.png", "--chat", "--prompt", "what ?");
    assertThat(shortened(document)).containsSubsequence(1L, IMAGE, 4L, 13L);
  }

  @Test
  void aTemplateThatDropsImagesIsRefused() throws IOException {
    Files.writeString(work.resolve("llava/chat_template.jinja"), "what");
    Outcome outcome = run("generate", "llava", "--image", "cat.png", "--chat", "--prompt", "a");
    assertThat(outcome.code()).isEqualTo(4);
    assertThat(outcome.err()).contains("it writes 0 <image> for 1 images");
  }

  @Test
  void aPromptWithoutAPlaceForTheImageIsRefused() {
    Outcome none = run("generate", "llava", "--image", "cat.png", "--prompt", "what");
    assertThat(none.code()).isEqualTo(2);
    assertThat(none.err())
        .contains("--prompt has 0 <image>, --image names 1 files; write <image> where");
    Outcome more = run("generate", "llava", "--prompt", "what <image>");
    assertThat(more.code()).isEqualTo(2);
    assertThat(more.err()).contains("--prompt has 1 <image>, --image names 0 files");
  }

  @Test
  void wordsAloneNeedNoPreprocessing() throws IOException {
    Files.delete(work.resolve("llava/preprocessor_config.json"));
    JsonNode document = generate("llava", "--prompt", "what is");
    assertThat(longs(document.get("prompt_tokens"))).containsExactly(1L, 4L, 5L);
    assertThat(document.get("image_tokens").asLong()).isZero();
  }

  @Test
  void aModelWithoutAnImageTowerIsRefused() throws IOException {
    Outcome quickstart = run("quickstart", "--out", "try");
    assertThat(quickstart.code()).as(quickstart.err()).isZero();
    Outcome outcome =
        run("generate", "try/dense", "--image", "cat.png", "--prompt", "what <image>");
    assertThat(outcome.code()).isEqualTo(2);
    assertThat(outcome.err()).contains("a mistral looks at no images");
    Outcome eval = run("eval", "try/dense", "--data", "rows.json");
    assertThat(eval.code()).isEqualTo(2);
    assertThat(eval.err()).contains("a mistral looks at no images; --data needs a LLaVA");
    rows(WORDS);
    Outcome against = run("eval", "llava", "--data", "rows.json", "--against", "try/dense");
    assertThat(against.code()).isEqualTo(2);
    assertThat(against.err()).contains("a mistral looks at no images");
    Outcome verify = run("verify", "try/dense", "try/moe", "--image", "cat.png");
    assertThat(verify.code()).isEqualTo(2);
    assertThat(verify.err()).contains("--image: a mistral looks at no images");
  }

  @Test
  void anImageThatCannotBeReadIsNamed() throws IOException {
    Outcome missing = run("generate", "llava", "--image", "no.png", "--prompt", "<image>");
    assertThat(missing.code()).isEqualTo(4);
    assertThat(missing.err()).contains("no.png: there is no such file");
    Files.writeString(work.resolve("text.png"), "hello");
    Outcome text = run("generate", "llava", "--image", "text.png", "--prompt", "<image>");
    assertThat(text.code()).isEqualTo(4);
    assertThat(text.err()).contains("text.png: is no image that is known here");
  }

  @Test
  void preprocessingThatDoesNotFitTheTowerIsRefusedWithTheNumbers() throws IOException {
    preprocessing(work.resolve("llava"), 20);
    Outcome outcome = run("generate", "llava", "--image", "cat.png", "--prompt", "<image>");
    assertThat(outcome.code()).isEqualTo(4);
    assertThat(outcome.err()).contains("makes it 3 x 20 x 20, its tower takes 3 x 16 x 16");
  }

  private static final String GOOD =
      """
      {"id": "1", "image": "%s", "conversations": [
        {"from": "human", "value": "<image>\\nwhat is this ?"},
        {"from": "gpt", "value": "a cat"}]}\
      """;
  private static final String WORDS =
      """
      {"id": "2", "conversations": [
        {"from": "human", "value": "what is a cat ?"}, {"from": "gpt", "value": "a dog"}]}\
      """;

  private void rows(String... rows) throws IOException {
    Files.writeString(work.resolve("rows.json"), "[" + String.join(",", rows) + "]");
  }

  @Test
  void conversationsAreScoredWhereTheTemplateLearns() throws IOException {
    rows(GOOD.formatted("cat.png"), WORDS, GOOD.formatted("dog.png"));
    JsonNode document = document("eval", "llava-moe", "--data", "rows.json", "--json");
    assertThat(document.get("rows").asLong()).isEqualTo(3);
    assertThat(document.get("images").asLong()).isEqualTo(2);
    assertThat(document.get("image_tokens").asLong()).isEqualTo(2 * PLACES);
    assertThat(document.get("scored").asLong()).isBetween(9L, 18L);
    assertThat(document.get("loss").asDouble()).isPositive();
    assertThat(document.get("layers").values().stream().map(layer -> layer.get("part").asString()))
        .containsExactly("vision", "vision", "connector");
    JsonNode connector = document.get("layers").get(2);
    assertThat(longs(connector.get("image").get("load")).stream().mapToLong(i -> i).sum())
        .isEqualTo(2 * 2 * PLACES);
    Outcome table = run("eval", "llava-moe", "--data", "rows.json", "--images", ".");
    assertThat(table.out()).contains("32 of images", "connector", "perplexity");
  }

  @Test
  void aModelComparedWithItselfDiffersByNothing() throws IOException {
    rows(GOOD.formatted("cat.png"), WORDS);
    JsonNode document =
        document("eval", "llava", "--data", "rows.json", "--against", "llava", "--json");
    JsonNode against = document.get("against");
    assertThat(against.get("model").asString()).isEqualTo("llava");
    assertThat(against.get("loss")).isEqualTo(document.get("loss"));
    assertThat(against.get("loss_difference").asDouble()).isZero();
    assertThat(against.get("standard_error").asDouble()).isZero();
    assertThat(against.get("kl").asDouble()).isZero();
    assertThat(against.get("top1_agreement").asDouble()).isEqualTo(1);
  }

  @Test
  void anUpcycledModelDiffersFromTheDenseByRoundingAndOneOfOtherImagesByMore() throws IOException {
    rows(GOOD.formatted("cat.png"), WORDS, GOOD.formatted("dog.png"));
    Outcome converted = run("convert", "llava-4x2", "--model", "llava", "--out", "moe");
    assertThat(converted.code()).as(converted.err()).isZero();
    String[] compare = {"eval", "llava", "--data", "rows.json", "--against", "moe"};
    JsonNode document =
        document(Stream.concat(Stream.of(compare), Stream.of("--json")).toArray(String[]::new));
    JsonNode against = document.get("against");
    assertThat(against.get("layers")).isNotEmpty();
    assertThat(against.get("scored")).isEqualTo(document.get("scored"));
    assertThat(Math.abs(against.get("loss_difference").asDouble())).isLessThan(1e-5);
    assertThat(against.get("kl").asDouble()).isLessThan(1e-5);
    assertThat(against.get("top1_agreement").asDouble()).isEqualTo(1);
    assertThat(run(compare).out())
        .contains("against", "its perplexity", "its loss minus ours", "100.00 %");

    JsonNode other =
        document("eval", "llava", "--data", "rows.json", "--against", "llava-mixtral", "--json");
    assertThat(other.get("against").get("kl").asDouble()).isGreaterThan(1e-3);
  }

  @Test
  void withoutARecipeExpertsGoIntoTheDecoderOfALlavaAlone() throws IOException {
    Outcome converted =
        run("convert", "--model", "llava", "--experts", "3", "--per-token", "1", "--out", "moe");
    assertThat(converted.code()).as(converted.err()).isZero();
    JsonNode config = JsonMapper.shared().readTree(work.resolve("moe/config.json"));
    assertThat(config.get("model_type").asString()).isEqualTo("llava");
    JsonNode text = config.get("text_config");
    assertThat(text.get("model_type").asString()).isEqualTo("mixtral");
    assertThat(text.get("num_local_experts").asInt()).isEqualTo(3);
    assertThat(text.get("num_experts_per_tok").asInt()).isEqualTo(1);
    assertThat(config.get("vision_config").get("model_type").asString())
        .isEqualTo("clip_vision_model");
    String recipe = Files.readString(work.resolve("moe/recipe.yaml"));
    assertThat(recipe).contains("language:").doesNotContain("\nvision:", "\nconnector:");
    Outcome verified = run("verify", "llava", "moe", "--no-function");
    assertThat(verified.code()).as(verified.out()).isZero();
  }

  @Test
  void modelsThatReadARowOtherwiseCannotBeCompared() throws IOException {
    rows(WORDS, GOOD.formatted("cat.png"));
    Files.writeString(
        work.resolve("llava-mixtral/tokenizer.json"),
        TOKENIZER.formatted("").replace("\"cat\": 8, \"dog\": 9", "\"cat\": 8, \"dog\": 14"));
    String[] compare = {"eval", "llava", "--data", "rows.json", "--against", "llava-mixtral"};
    Outcome tokens = run(compare);
    assertThat(tokens.code()).isEqualTo(2);
    assertThat(tokens.err())
        .contains("--against llava-mixtral: it reads", "rows.json, row 0 otherwise: token")
        .contains("is id 14 there and id 9 here");

    Files.copy(
        work.resolve("llava/tokenizer.json"),
        work.resolve("llava-mixtral/tokenizer.json"),
        StandardCopyOption.REPLACE_EXISTING);
    Path config = work.resolve("llava-mixtral/config.json");
    Files.writeString(
        config,
        Files.readString(config)
            .replaceAll("(\"vision_feature_select_strategy\"): *\"[a-z]+\"", "$1: \"full\""));
    Outcome places = run(compare);
    assertThat(places.code()).isEqualTo(2);
    assertThat(places.err())
        .contains("row 1 otherwise: its images take 17 places there and 16 here");
  }

  @Test
  void aBadRowEndsTheRunUnlessItMayBeSkipped() throws IOException {
    rows(
        WORDS,
        GOOD.formatted("gone.png"),
        WORDS,
        "{\"image\": \"cat.png\", \"conversations\": [{\"from\": \"human\", \"value\": \"what\"},"
            + " {\"from\": \"gpt\", \"value\": \"a\"}]}");
    Outcome strict = run("eval", "llava", "--data", "rows.json");
    assertThat(strict.code()).isEqualTo(4);
    assertThat(strict.err()).contains("rows.json, row 1:", "gone.png: there is no such file");
    Outcome one = run("eval", "llava", "--data", "rows.json", "--skip-bad", "1");
    assertThat(one.code()).isEqualTo(4);
    assertThat(one.err()).contains("rows.json, row 3: it has 0 <image> and names 1 images");
    JsonNode both = document("eval", "llava", "--data", "rows.json", "--skip-bad", "2", "--json");
    assertThat(both.get("skipped_rows").asLong()).isEqualTo(2);
    assertThat(both.get("rows").asLong()).isEqualTo(2);
  }

  @Test
  void optionsThatCannotBeMeantTogetherAreRefused() throws IOException {
    rows(WORDS);
    assertThat(run("eval", "llava").err()).contains("give either --text or --data");
    assertThat(run("eval", "llava", "--data", "rows.json", "--text", "rows.json").code())
        .isEqualTo(2);
    assertThat(run("eval", "llava", "--text", "rows.json", "--skip-bad", "1").err())
        .contains("need --data");
    assertThat(run("eval", "llava", "--data", "rows.json", "--template", "v2").err())
        .contains("--template v2: expected one of plain, mistral_instruct_system, v1");
    assertThat(run("eval", "llava", "--data", "rows.json", "--stride", "8").err())
        .contains("--stride needs --text");
    assertThat(run("generate", "llava", "--prompt", "a", "--template", "v1", "--chat").err())
        .contains("--template excludes --chat");
  }

  @Test
  void aConvertedTowerIsVerifiedOnGivenImages() throws IOException {
    TinyModel.write(
        Recipes.resolve(Recipes.text("clip-vit-4x2", work), List.of(), Map.of()).recipe(),
        work.resolve("clip"));
    preprocessing(work.resolve("clip"), 28);
    Outcome converted = run("convert", "clip-vit-4x2", "--model", "clip", "--out", "moe");
    assertThat(converted.code()).as(converted.err()).isZero();
    Outcome noise = run("verify", "clip", "moe", "--function");
    assertThat(noise.code()).as(noise.out() + noise.err()).isZero();
    assertThat(noise.out()).contains("2 images of noise", "pooled", "wrong expert would show");
    JsonNode function =
        document("verify", "clip", "moe", "--image", "cat.png", "dog.png", "--json")
            .get("function");
    assertThat(function.get("image_origin").asString()).isEqualTo("files");
    assertThat(function.get("images").asLong()).isEqualTo(2);
    assertThat(function.get("passed").asBoolean()).isTrue();
    assertThat(function.get("pooled_relative_error").asDouble())
        .isLessThan(function.get("bound").asDouble());
  }

  @Test
  void perplexityOfTextsIsTheDecoders() throws IOException {
    Files.writeString(work.resolve("text.txt"), "what is this ? a cat . what is a dog ?");
    JsonNode document = document("eval", "llava", "--text", "text.txt", "--json");
    assertThat(document.get("perplexity").asDouble()).isPositive();
  }
}
