package dev.upcycle.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.cli.Session.Outcome;
import dev.upcycle.recipe.Recipes;
import dev.upcycle.sample.TinyModel;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

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
}
