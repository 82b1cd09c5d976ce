package dev.upcycle.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.sample.SampleModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class TrainCommandTest {
  private static final List<List<String>> READERS_OF_A_RESULT =
      List.of(
          List.of("verify", "./dense", "./run/final", "--trained"),
          List.of("densify", "./run/final", "--mean", "--out", "./again"));

  private static final String RECIPE =
      """
      recipe: 1
      language: {experts: {count: 4}}
      train:
        defaults:
          rates: {all: 1.0e-3}
          batch: 2
          steps: 2
          data: {path: dense/held-out.txt, max_tokens: 32}
        stages:
          - {name: dense}
          - {name: sparse, upcycle: language, losses: {balance: {weight: 0.01}}}
      """;

  @TempDir Path folder;

  @BeforeEach
  void prepare() throws IOException {
    SampleModel.writeTo(folder.resolve("dense"));
    Files.writeString(folder.resolve("tune.yaml"), RECIPE);
  }

  private Session.Outcome train(String... more) {
    String[] all = new String[6 + more.length];
    System.arraycopy(
        new String[] {"train", "./tune.yaml", "--model", "./dense", "--out", "./run"},
        0,
        all,
        0,
        6);
    System.arraycopy(more, 0, all, 6, more.length);
    return Session.in(folder).run(all);
  }

  @Test
  void theResultLoadsAndGenerates() {
    Session.Outcome outcome = train();
    assertThat(outcome.code()).as(outcome.err()).isZero();
    assertThat(outcome.out()).contains("final: after 4 steps, cross-entropy");
    assertThat(outcome.err()).contains("stage dense: 2 steps").contains("stage sparse: 2 steps");
    Session.Outcome text =
        Session.in(folder).run("generate", "./run/final", "--prompt", "light", "--max-tokens", "2");
    assertThat(text.code()).as(text.err()).isZero();
  }

  @Test
  void aDryRunTrainsNothing() {
    Session.Outcome outcome = train("--dry-run");
    assertThat(outcome.code()).as(outcome.err()).isZero();
    assertThat(outcome.out())
        .containsPattern("stage dense +2 steps, 39 of 39 tensors train")
        .containsPattern("time +.* s a step")
        .containsPattern("memory of sparse +.*MB: weights .*, checkpoint copy .*, process 410 MB")
        .containsPattern("disk +[0-9.]+ MB: checkpoints .*, upcycled .*, final .*");
    JsonNode disk = JsonMapper.shared().readTree(train("--dry-run", "--json").out()).get("disk");
    assertThat(disk.get("peak_bytes").asLong())
        .isEqualTo(
            disk.get("checkpoints_bytes").asLong()
                + disk.get("upcycled_bytes").asLong()
                + disk.get("final_bytes").asLong());
    assertThat(folder.resolve("run")).doesNotExist();
  }

  @Test
  void aSecondRunIntoTheSameFolderIsRefused() {
    assertThat(train().code()).isZero();
    Session.Outcome again = train();
    assertThat(again.code()).isEqualTo(2);
    assertThat(again.err()).contains("is not empty");
    assertThat(train("--resume").code()).isZero();
  }

  @Test
  void whatChangedIsRefusedWithTheOptionThatAllowsIt() {
    assertThat(train().code()).isZero();
    Session.Outcome refused = train("--resume", "--set", "seed=7");
    assertThat(refused.code()).isEqualTo(2);
    assertThat(refused.err())
        .contains("recipe: seed was 42, is 7")
        .contains("--allow-changed recipe");
    Session.Outcome allowed = train("--resume", "--set", "seed=7", "--allow-changed", "recipe");
    assertThat(allowed.code()).as(allowed.err()).isZero();
  }

  @Test
  void aChangeIsAllowedOnlyOfWhatARunBeginsWithAndOnlyWhenItGoesOn() {
    assertThat(train("--resume", "--allow-changed", "weights").code()).isEqualTo(2);
    Session.Outcome fresh = train("--allow-changed", "model");
    assertThat(fresh.code()).isEqualTo(2);
    assertThat(fresh.err()).contains("--allow-changed goes with --resume");
    assertThat(folder.resolve("run")).doesNotExist();
  }

  @Test
  void aResultIsTakenByVerifyAndDensify() {
    assertThat(train().code()).isZero();
    for (List<String> command : READERS_OF_A_RESULT) {
      Session.Outcome outcome = Session.in(folder).run(command.toArray(String[]::new));
      assertThat(outcome.code()).as(outcome.err()).isZero();
    }
    assertThat(folder.resolve("again/model.safetensors")).isNotEmptyFile();
  }

  @Test
  void aResultWithoutManifestIsToldInPlainWordsByVerifyAndDensify() throws IOException {
    assertThat(train().code()).isZero();
    Files.delete(folder.resolve("run/final/upcycle.json"));
    for (List<String> command : READERS_OF_A_RESULT) {
      Session.Outcome outcome = Session.in(folder).run(command.toArray(String[]::new));
      assertThat(outcome.code()).isEqualTo(4);
      assertThat(outcome.err())
          .contains("there is no such file, which says what went into a conversion")
          .doesNotContain("Exception");
    }
  }

  @Test
  void aFlagSetsThePrecisionOfEveryStage() throws IOException {
    Session.Outcome outcome = train("--dtype", "bf16", "--set", "train.stages.1.precision=f32");
    assertThat(outcome.code()).as(outcome.err()).isZero();
    assertThat(Files.readString(folder.resolve("run/recipe.yaml")))
        .contains("precision: bf16")
        .doesNotContain("precision: f32");
    assertThat(Files.readString(folder.resolve("run/final/config.json"))).contains("bfloat16");
  }

  @Test
  void aPrecisionThatIsNoneEndsWithTwo() {
    Session.Outcome outcome = train("--dtype", "f16");
    assertThat(outcome.code()).isEqualTo(2);
    assertThat(outcome.err()).contains("--dtype", "f32", "bf16");
    assertThat(folder.resolve("run")).doesNotExist();
  }

  @Test
  void aRunThatDivergesEndsWithFive() {
    Session.Outcome outcome =
        train("--set", "train.defaults.rates={all: 1.0e+30}", "--set", "train.stages.0.steps=4");
    assertThat(outcome.code()).isEqualTo(5);
    assertThat(outcome.err()).contains("of stage dense diverged");
  }

  @Test
  void aRecipeWithoutStagesIsRefused() {
    Session.Outcome outcome =
        Session.in(folder).run("train", "mistral-4x2", "--model", "./dense", "--out", "./run");
    assertThat(outcome.code()).isEqualTo(4);
    assertThat(outcome.err()).contains("recipe mistral-4x2 has no section `train:`");
  }

  @Test
  void moreTokensThanTheModelWasMadeForAreWarnedOf() {
    Session.Outcome outcome = train("--dry-run", "--set", "train.stages.1.data.max_tokens=300");
    assertThat(outcome.code()).as(outcome.err()).isZero();
    assertThat(outcome.err())
        .contains("max_tokens of stage sparse: 300 tokens, and the model was made for 256")
        .doesNotContain("stage dense:");
    Session.Outcome checked =
        Session.in(folder)
            .run(
                "data",
                "check",
                "./tune.yaml",
                "--model",
                "./dense",
                "--set",
                "train.stages.1.data.max_tokens=300");
    assertThat(checked.err()).contains("max_tokens of stage sparse: 300 tokens");
  }

  @Test
  void whatALaterStageSaysWrongIsToldWithoutTraining() {
    for (String how : new String[] {"--dry-run", "--json"}) {
      Session.Outcome outcome = train(how, "--set", "train.stages.1.rates={al: 1}");
      assertThat(outcome.code()).isEqualTo(4);
      assertThat(outcome.err())
          .contains("train.stages.1.rates of stage sparse: 'al' fits no tensor")
          .contains("did you mean all?");
      assertThat(folder.resolve("run")).doesNotExist();
    }
  }

  @Test
  void aDeviceThatIsNoneIsWrongUsage() {
    Session.Outcome outcome = train("--device", "tpu");
    assertThat(outcome.code()).isEqualTo(2);
    assertThat(outcome.err()).contains("--device tpu: expected auto, cpu or cuda[:INDEX]");
  }

  @Test
  void aFolderOfImagesIsRefusedWhereTheModelSeesNone() {
    Session.Outcome outcome = train("--images", "dense=nix");
    assertThat(outcome.code()).isEqualTo(4);
    assertThat(outcome.err()).contains("train.stages.0.data.images of stage dense:");
  }

  @Test
  void aBadRowIsToldWithTheOptionThatPassesOverIt() throws IOException {
    Files.writeString(folder.resolve("rows.jsonl"), "{\"text\": 3}\n");
    Session.Outcome outcome = train("--data", "dense=rows.jsonl");
    assertThat(outcome.code()).isEqualTo(4);
    assertThat(outcome.err()).contains("row 0: 'text' is a number").contains("--skip-bad N");
  }

  @Test
  void oneStepIsToldOnceAndPathsHaveNoDots() {
    Session.Outcome outcome =
        train(
            "--set",
            "train.stages=[{name: one, steps: 1, rates: {all: 1.0e-3},"
                + " data: {path: dense/held-out.txt, max_tokens: 32}}]");
    assertThat(outcome.code()).as(outcome.err()).isZero();
    assertThat(outcome.out())
        .contains("run/final: after 1 step, cross-entropy")
        .doesNotContain("/./")
        .doesNotContain(" and ");
  }

  @Test
  void aFileInThePlaceOfTheFolderIsTold() throws IOException {
    Files.writeString(folder.resolve("run"), "");
    Session.Outcome outcome = train();
    assertThat(outcome.code()).isEqualTo(6);
    assertThat(outcome.err()).contains("run: a file lies there, expected a folder");
  }
}
