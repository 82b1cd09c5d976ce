package dev.upcycle.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.cli.Session.Outcome;
import dev.upcycle.recipe.Recipes;
import dev.upcycle.recipe.Setting;
import dev.upcycle.sample.TinyModel;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// The commands on an image tower.
class TowerCommandsTest {
  @TempDir private Path work;

  @BeforeEach
  void makeATower() {
    TinyModel.write(
        Recipes.resolve(Recipes.text("clip-vit-4x2", work), List.of(), Map.of()).recipe(),
        work.resolve("clip"));
  }

  private Outcome run(String... arguments) {
    return Session.in(work).run(List.of(arguments));
  }

  @Test
  void aTowerIsPlannedConvertedAndVerified() {
    assertThat(run("plan", "clip-vit-4x2", "--model", "clip").out())
        .contains("clip_moe_vision_model", "4 per layer, 2 per token")
        .doesNotContain("KV cache");
    Outcome converted = run("convert", "clip-vit-4x2", "--model", "clip", "--out", "moe");
    assertThat(converted.code()).as(converted.err()).isZero();
    Outcome verified = run("verify", "clip", "moe");
    assertThat(verified.code()).as(verified.out() + verified.err()).isZero();
    assertThat(run("inspect", "moe").out()).contains("4, 2 per token, per-expert");
  }

  @Test
  void withoutARecipeTheTowersFamilyIsDetected() {
    Outcome converted = run("convert", "--model", "clip", "--experts", "3", "--out", "moe");
    assertThat(converted.code()).as(converted.err()).isZero();
    assertThat(converted.err()).contains("vision: clip").contains("count: 3");
  }

  @Test
  void aTowerIsSaidToGoOnWithNoText() {
    Outcome outcome = run("generate", "clip", "--prompt", "a cat");
    assertThat(outcome.code()).isEqualTo(4);
    assertThat(outcome.err())
        .contains("clip is a clip_vision_model, expected a decoder or a LLaVA")
        .doesNotContain("tokenizer");
  }

  @Test
  void imagesThatCannotBePreparedDoNotLoseTheOtherChecks() {
    assertThat(run("convert", "clip-vit-4x2", "--model", "clip", "--out", "moe").code()).isZero();

    Outcome outcome = run("verify", "clip", "moe", "--image", "cat.png");

    assertThat(outcome.code()).isEqualTo(4);
    assertThat(outcome.out()).contains("expert copies").contains("verified");
    assertThat(outcome.err()).contains("preprocessor_config.json: there is no such file");
  }

  @Test
  void bothTowersOfAWholeSiglipAreRun() {
    List<String> siglip = List.of("source.language=siglip_text", "source.vision=siglip");
    TinyModel.write(
        Recipes.resolve(
                Recipes.text("clip-up-b16", work),
                siglip.stream().map(Setting::parse).toList(),
                Map.of())
            .recipe(),
        work.resolve("siglip"));
    Outcome converted =
        run(
            "convert",
            "clip-up-b16",
            "--set",
            siglip.getFirst(),
            "--set",
            siglip.getLast(),
            "--model",
            "siglip",
            "--out",
            "both");
    assertThat(converted.code()).as(converted.err()).isZero();

    Outcome outcome = run("verify", "siglip", "both", "--function", "--json");

    JsonNode document = JsonMapper.shared().readTree(outcome.out());
    assertThat(outcome.code()).as(outcome.err()).isZero();
    assertThat(document.get("passed").booleanValue()).isTrue();
    assertThat(document.get("checks")).isNotEmpty();
    assertThat(document.get("function").get("compared").booleanValue()).isTrue();
  }
}
