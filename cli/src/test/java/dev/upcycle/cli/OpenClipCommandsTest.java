package dev.upcycle.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.cli.Session.Outcome;
import dev.upcycle.fixtures.dense.ClipFixture;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The commands on a CLIP under OpenAI's names that lies there without any config.
class OpenClipCommandsTest {
  private static final String MODEL = "clip/ViT-B-32.pt";

  @TempDir private Path work;

  @BeforeEach
  void writeAStateDict() {
    ClipFixture.torch(work.resolve(MODEL), ClipFixture.openAi("visual.", ""));
  }

  private Outcome run(String... arguments) {
    return Session.in(work).run(List.of(arguments));
  }

  @Test
  void itIsPlannedConvertedAndVerified() {
    Outcome planned = run("plan", "clip-up-b16", "--model", MODEL);
    assertThat(planned.out()).contains("clip_moe");
    assertThat(planned.err()).contains("heads of width 64", "quick_gelu");
    Outcome converted = run("convert", "clip-up-b16", "--model", MODEL, "--out", "moe");
    assertThat(converted.code()).as(converted.err()).isZero();
    assertThat(converted.err()).contains("verify").contains(MODEL + " ");
    Outcome verified = run("verify", MODEL, "moe");
    assertThat(verified.code()).as(verified.out() + verified.err()).isZero();
  }

  @Test
  void itBecomesAClipMoeAndADenseModelAgain() {
    Outcome converted =
        run(
            "convert",
            "clip-moe-b16-4x2",
            "--model",
            MODEL,
            "--set",
            "vision.layers={last: 1}",
            "--set",
            "language.layers={last: 1}",
            "--out",
            "moe");
    assertThat(converted.code()).as(converted.err()).isZero();
    assertThat(run("verify", MODEL, "moe").code()).isZero();
    assertThat(run("inspect", "moe").out()).contains("openai_clip_moe");
    Outcome densified = run("densify", "moe", "--out", "dense");
    assertThat(densified.code()).as(densified.err()).isZero();
    assertThat(run("inspect", "dense").out()).contains("clip, CLIPModel");
  }

  @Test
  void inspectionTellsWhatItIs() {
    assertThat(run("inspect", MODEL).out()).contains("clip, CLIPModel").contains("clip_moe");
  }
}
