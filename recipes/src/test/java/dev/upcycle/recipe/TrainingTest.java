package dev.upcycle.recipe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainingTest {
  private static final String TWO_STAGES =
      """
      recipe: 1
      language: {experts: {count: 4}}
      train:
        defaults:
          rates: {all: 2.0e-5, "*.bias": 0}
          batch: 4
          data: {path: /rows.jsonl, max_tokens: 64}
          losses: {balance: {weight: 0.01}}
        stages:
          - name: dense
            clip_norm: 1
          - name: sparse
            upcycle: language
            carry: {moments: copy}
            batch: 8
            losses: {balance: {kind: switch}, router_z: {weight: 0.001}}
      """;

  @TempDir Path folder;

  private static ResolvedRecipe read(String yaml, String... settings) {
    return Recipes.resolve(
        new RecipeText("mine.yaml", yaml),
        List.of(settings).stream().map(Setting::parse).toList(),
        Map.of());
  }

  private static Stage stage(int index, String... settings) {
    return read(TWO_STAGES, settings).recipe().training().orElseThrow().stages().get(index);
  }

  @Test
  void aRecipeWithoutTheSectionTrainsNothing() {
    assertThat(read("recipe: 1").recipe().training()).isEmpty();
  }

  @Test
  void aStageTakesWhatItDoesNotSayFromTheDefaults() {
    assertThat(stage(0).pace()).isEqualTo(new Stage.Pace(4, 1, 1, Optional.empty()));
    assertThat(stage(1).pace().batch()).isEqualTo(8);
    assertThat(stage(1).updates().rates()).isEqualTo(Map.of("all", 2e-5, "*.bias", 0.0));
    assertThat(stage(0).updates().clipNorm()).contains(1.0);
    assertThat(stage(1).updates().clipNorm()).isEmpty();
  }

  @Test
  void theLastRateThatFitsStandsLast() {
    assertThat(stage(0).updates().rates().sequencedKeySet()).containsExactly("all", "*.bias");
  }

  @Test
  void aChoiceOfAnotherKindTakesNothingFromTheDefaults() {
    AuxiliaryLosses losses = stage(1).losses();
    assertThat(losses.kind()).isEqualTo(AuxiliaryLosses.Balance.SWITCH);
    assertThat(losses.balance().usual()).isZero();
    assertThat(losses.routerZ().usual()).isEqualTo(0.001);
    assertThat(stage(0).losses().balance().usual()).isEqualTo(0.01);
  }

  @Test
  void aPartMayHaveAWeightOfItsOwn() {
    AuxiliaryLosses losses =
        stage(
                1,
                "train.stages.1.losses.balance.weight=0.1",
                "train.stages.1.losses.balance.parts={language: 0.02}")
            .losses();
    assertThat(losses.balance().of(Part.LANGUAGE)).isEqualTo(0.02);
    assertThat(losses.balance().of(Part.VISION)).isEqualTo(0.1);
  }

  @Test
  void onlyCumosLossCountsWhatFillsUp() {
    assertThat(stage(0).losses().filler()).isEqualTo(AuxiliaryLosses.Filler.LEFT_OUT);
    String cumo = "train.stages.0.losses.balance={kind: cumo}";
    assertThat(stage(0, cumo).losses().filler()).isEqualTo(AuxiliaryLosses.Filler.COUNTED);
    assertThat(stage(0, cumo, "train.stages.0.losses.balance.filler=left_out").losses().filler())
        .isEqualTo(AuxiliaryLosses.Filler.LEFT_OUT);
    assertThatThrownBy(() -> stage(0, "train.stages.0.losses.balance.filler=counted"))
        .isInstanceOf(RecipeException.class)
        .hasMessageContaining("filler");
  }

  @Test
  void partsBecomeExpertsInOneStage() {
    String two =
        """
        recipe: 1
        vision: {experts: {count: 4}}
        connector: {experts: {count: 2}}
        train:
          stages:
            - {name: a, upcycle: vision, rates: {all: 1.0e-3}, data: {path: /a.json}}
            - {name: b, upcycle: connector, rates: {all: 1.0e-3}, data: {path: /a.json}}
        """;
    assertThatThrownBy(() -> read(two))
        .isInstanceOf(RecipeException.class)
        .hasMessageContaining("train.stages.1.upcycle: found connector in a second stage");
    assertThat(read(two.replace(" upcycle: vision,", "")).recipe().training()).isPresent();
  }

  @Test
  void aRecipeOfSomePartsConvertsThemAndTrainsNothing() {
    ResolvedRecipe both =
        read(
            """
            recipe: 1
            vision: {experts: {count: 4}}
            connector: {experts: {count: 2}}
            train:
              stages:
                - {name: a, rates: {all: 1.0e-3}, data: {path: /a.json}}
                - {name: b, upcycle: [connector], rates: {all: 1.0e-3}, data: {path: /a.json}}
            """);
    ResolvedRecipe one = both.of(List.of(Part.CONNECTOR));
    assertThat(one.recipe().components().keySet()).containsExactly(Part.CONNECTOR);
    assertThat(one.recipe().component(Part.CONNECTOR))
        .isEqualTo(both.recipe().component(Part.CONNECTOR));
    assertThat(one.recipe().training()).isEmpty();
    assertThat(read(one.yaml()).recipe()).isEqualTo(one.recipe());
  }

  @Test
  void aSettingReachesOneStageByItsIndex() {
    assertThat(stage(1, "train.stages.1.batch=16").pace().batch()).isEqualTo(16);
    assertThat(stage(0, "train.stages.1.batch=16").pace().batch()).isEqualTo(4);
  }

  @Test
  void aSettingOfTheDefaultsReachesTheStagesThatSayNothing() {
    assertThat(stage(0, "train.defaults.batch=2").pace().batch()).isEqualTo(2);
    assertThat(stage(1, "train.defaults.batch=2").pace().batch()).isEqualTo(8);
  }

  @Test
  void aSettingOfAStageThatIsNotThereIsRefused() {
    assertThatThrownBy(() -> read(TWO_STAGES, "train.stages.2.batch=16"))
        .isInstanceOf(RecipeException.class)
        .hasMessageContaining("train.stages.2.name: missing");
  }

  @Test
  void theFlatFileHoldsTheDefaultsInTheStagesAndReadsAlike() {
    ResolvedRecipe resolved = read(TWO_STAGES);
    assertThat(resolved.yaml())
        .contains("  stages:\n    - name: dense\n      carry:\n        schedule: reset\n")
        .contains("    - name: sparse\n      upcycle: language\n")
        .contains("        \"*.bias\": 0.0\n")
        .doesNotContain("defaults");
    ResolvedRecipe again = read(resolved.yaml());
    assertThat(again.recipe()).isEqualTo(resolved.recipe());
    assertThat(again.yaml()).isEqualTo(resolved.yaml());
    assertThat(resolved.yamlWithOrigins().lines())
        .anyMatch(line -> line.matches(" +batch: 8 +# recipe.*"));
  }

  @Test
  void pathsAreRelativeToTheFileThatNamesThem() throws Exception {
    Files.writeString(
        folder.resolve("mine.yaml"),
        """
        recipe: 1
        train:
          defaults: {data: {path: rows.json}}
          stages:
            - {name: a, rates: {all: 1}}
            - {name: b, rates: {all: 1}, data: {path: more/rows.json}}
        """);
    Training training =
        Recipes.resolve(Recipes.text("./mine.yaml", folder), List.of(), Map.of())
            .recipe()
            .training()
            .orElseThrow();
    assertThat(training.stages())
        .extracting(stage -> stage.data().path())
        .containsExactly(folder.resolve("rows.json"), folder.resolve("more/rows.json"));
  }

  @Test
  void whatIsWrongInTheDefaultsIsSaidOnceAndThere() {
    String wrong = TWO_STAGES.replace("batch: 4", "bach: 4");
    assertThatThrownBy(() -> read(wrong))
        .isInstanceOfSatisfying(
            RecipeException.class,
            e ->
                assertThat(e.complaints())
                    .extracting(Complaint::toString)
                    .containsExactly(
                        "mine.yaml:6:5: train.defaults.bach: unknown key; did you mean batch?"));
  }

  @Test
  void aPartWithoutASectionCannotBeUpcycled() {
    assertThatThrownBy(() -> read(TWO_STAGES.replace("language: {experts: {count: 4}}\n", "")))
        .hasMessageContaining("train.stages.1.upcycle: found language")
        .hasMessageContaining("expected a section `language:`");
  }

  @Test
  void theFirstStageHasNothingToCarry() {
    assertThatThrownBy(() -> read(TWO_STAGES, "train.stages.0.carry.data=keep"))
        .hasMessageContaining("train.stages.0.carry.data: found keep in the first stage");
  }

  @Test
  void twoStagesOfOneNameAreRefused() {
    assertThatThrownBy(() -> read(TWO_STAGES.replace("name: sparse", "name: dense")))
        .hasMessageContaining("train.stages.1.name: found dense a second time");
  }

  private static List<Path> measured(String setting) {
    return stage(0, setting).validation().orElseThrow().sources().stream()
        .map(DataSettings::path)
        .toList();
  }

  @Test
  void aStageIsMeasuredOnOneFileOrOnSeveralOfDifferentNames() {
    assertThat(measured("train.defaults.validate={path: /a.txt}"))
        .containsExactly(Path.of("/a.txt"));
    assertThat(measured("train.defaults.validate={path: [/a.txt, /b.txt]}"))
        .containsExactly(Path.of("/a.txt"), Path.of("/b.txt"));
    assertThatThrownBy(() -> measured("train.defaults.validate={path: [/a/x.txt, /b/x.txt]}"))
        .isInstanceOf(RecipeException.class)
        .hasMessageContaining("files with different names");
  }

  @Test
  void filesOfAListAreRelativeToTheRecipe() {
    RecipeText text =
        new RecipeText(
            "mine.yaml",
            TWO_STAGES + "      validate: {path: [a.txt, sub/b.txt]}\n",
            Optional.of(folder));
    Stage.Validation validation =
        Recipes.resolve(text, List.of(), Map.of())
            .recipe()
            .training()
            .orElseThrow()
            .stages()
            .getLast()
            .validation()
            .orElseThrow();
    assertThat(validation.sources())
        .extracting(DataSettings::path)
        .containsExactly(folder.resolve("a.txt"), folder.resolve("sub/b.txt"));
  }

  private static List<String> complaints(String... settings) {
    RecipeException thrown =
        catchThrowableOfType(RecipeException.class, () -> read(TWO_STAGES, settings));
    return thrown.complaints().stream().map(Complaint::toString).toList();
  }

  @Test
  void aWrongKindDoesNotHideWhatIsWrongBesideIt() {
    assertThat(
            complaints(
                "train.stages.0.optimizer={kind: adam, betas: [0.9], epsilon: 0}",
                "train.stages.0.schedule={kind: cosin, final: 2, warmup: {kind: logg, ratio: 3}}",
                "train.stages.0.losses.balance={kind: pool, weight: -1, parts: {decoder: 1}}"))
        .extracting(one -> one.replaceAll(".*: (train[^ ]*): .*", "$1"))
        .containsExactlyInAnyOrder(
            "train.stages.0.optimizer.kind",
            "train.stages.0.optimizer.betas",
            "train.stages.0.optimizer.epsilon",
            "train.stages.0.schedule.kind",
            "train.stages.0.schedule.final",
            "train.stages.0.schedule.warmup.kind",
            "train.stages.0.schedule.warmup.ratio",
            "train.stages.0.losses.balance.kind",
            "train.stages.0.losses.balance.weight",
            "train.stages.0.losses.balance.parts.decoder");
  }

  @Test
  void aKeyOfAnotherKindIsNoFaultWhereTheKindIsWrong() {
    assertThat(complaints("train.stages.0.schedule={kind: cosin, cooldown: 0.1}")).hasSize(1);
  }

  @Test
  void aStageFarBehindTheLastIsNotThere() {
    assertThat(complaints("train.stages.7.steps=1"))
        .singleElement()
        .asString()
        .endsWith(
            "there is no train.stages.7: train.stages has 2, counted from 0; train.stages.2 would"
                + " add one");
    assertThat(
            read(TWO_STAGES, "train.stages.2={name: third}")
                .recipe()
                .training()
                .orElseThrow()
                .stages())
        .hasSize(3);
  }

  @Test
  void aRateThatFallsBeforeItHasRisenIsRefused() {
    assertThat(
            complaints(
                "train.stages.0.schedule={kind: constant, cooldown: 0.6, warmup: {ratio: 0.5}}"))
        .singleElement()
        .asString()
        .contains("schedule.cooldown: found 0.6 after a warmup.ratio of 0.5");
  }
}
