package dev.upcycle.recipe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class PrecedenceTest {
  private static final RecipeText BARE = new RecipeText("mine.yaml", "recipe: 1\nlanguage: {}\n");
  private static final RecipeText SEEDED =
      new RecipeText("mine.yaml", "recipe: 1\nlanguage: {}\nseed: 3\n");

  private static Setting set(String assignment) {
    return Setting.parse(assignment);
  }

  private static long seed(RecipeText text, List<Setting> settings, Map<String, String> env) {
    return Recipes.resolve(text, settings, env).recipe().seed();
  }

  @Test
  void aDefaultGivesWayToEachStrongerLayerInTurn() {
    Map<String, String> env = Map.of("UPCYCLE_SEED", "2");
    Setting flag = Setting.flag("--seed", "seed", "5");
    assertThat(seed(BARE, List.of(), Map.of())).isEqualTo(42);
    assertThat(seed(BARE, List.of(), env)).isEqualTo(2);
    assertThat(seed(SEEDED, List.of(), env)).isEqualTo(3);
    assertThat(seed(SEEDED, List.of(set("seed=4")), env)).isEqualTo(4);
    assertThat(seed(SEEDED, List.of(flag, set("seed=4")), env)).isEqualTo(5);
  }

  @Test
  void theLastOfTwoSetsWins() {
    assertThat(seed(BARE, List.of(set("seed=1"), set("seed=2")), Map.of())).isEqualTo(2);
  }

  @Test
  void everyDocumentedVariableIsRead() {
    ResolvedRecipe resolved =
        Recipes.resolve(
            BARE,
            List.of(),
            Map.of("UPCYCLE_SEED", "7", "UPCYCLE_DTYPE", "bf16", "UPCYCLE_MAX_SHARD_SIZE", "2GiB"));
    assertThat(resolved.recipe().seed()).isEqualTo(7);
    assertThat(resolved.recipe().output().dtype()).contains(Output.StoredDType.BF16);
    assertThat(resolved.recipe().output().maxShardBytes()).isEqualTo(2L << 30);
    assertThat(resolved.origins())
        .containsEntry("seed", new Origin(Origin.Kind.ENVIRONMENT, "UPCYCLE_SEED"));
  }

  @Test
  void anEmptyVariableCountsAsAbsent() {
    assertThat(seed(BARE, List.of(), Map.of("UPCYCLE_SEED", ""))).isEqualTo(42);
  }

  @Test
  void aWrongVariableIsAComplaintThatShowsIt() {
    assertThatThrownBy(() -> seed(BARE, List.of(), Map.of("UPCYCLE_SEED", "many")))
        .isInstanceOf(RecipeException.class)
        .hasMessage(
            "UPCYCLE_SEED=many: seed: found many; expected an integer from -9223372036854775808 to"
                + " 9223372036854775807");
  }

  @Test
  void theSetsOfTheContractWork() {
    ResolvedRecipe resolved =
        Recipes.resolve(
            Recipes.text("mistral-8x2", Path.of("")),
            List.of(
                set("language.experts.count=5"),
                set("language.experts.per_token=3"),
                set("language.router.init={kind: normal, std: 0.5}")),
            Map.of());
    assertThat(resolved.recipe().language().orElseThrow())
        .isEqualTo(
            new Component(
                new LayerSelection.All(),
                new Experts(5, 3, new ExpertInit.Copy()),
                new Router(new RouterInit.Normal(0.5))));
  }

  @Test
  void settingAMapDropsItsOtherKeys() {
    ResolvedRecipe resolved =
        Recipes.resolve(
            Recipes.text("mistral-8x2", Path.of("")),
            List.of(set("language.router.init={kind: zero}"), set("output.config={a: 1}")),
            Map.of());
    assertThat(resolved.recipe().language().orElseThrow().router())
        .isEqualTo(new Router(new RouterInit.Zero()));
    assertThat(resolved.recipe().output().config()).isEqualTo(Map.of("a", 1L));
  }

  @Test
  void aKeyOfTheUsersOwnIsSetAlone() {
    ResolvedRecipe resolved =
        Recipes.resolve(
            Recipes.text("mistral-8x2", Path.of("")),
            List.of(set("output.config.router_aux_loss_coef=0.01")),
            Map.of());
    assertThat(resolved.recipe().output().config())
        .isEqualTo(Map.of("router_aux_loss_coef", 0.01, "output_router_logits", false));
  }

  @Test
  void aSetOpensASectionThatTheRecipeLacks() {
    ResolvedRecipe resolved =
        Recipes.resolve(
            new RecipeText("mine.yaml", "recipe: 1"),
            List.of(set("language.experts.count=4")),
            Map.of());
    assertThat(resolved.recipe().language().orElseThrow().experts().count()).isEqualTo(4);
  }

  @Test
  void aMapUnderASetReplacesTheWordThatStoodThere() {
    ResolvedRecipe resolved =
        Recipes.resolve(
            Recipes.text("mistral-8x2", Path.of("")),
            List.of(set("language.layers.last=8")),
            Map.of());
    assertThat(resolved.recipe().language().orElseThrow().layers())
        .isEqualTo(new LayerSelection.Last(8));
  }

  @Test
  void aMisspeltPathGetsTheNearestOne() {
    assertThatThrownBy(() -> seed(BARE, List.of(set("language.expert.count=5")), Map.of()))
        .hasMessage(
            "--set language.expert.count=5: language.expert.count: no such key path; did you mean"
                + " language.experts.count?");
  }

  @Test
  void aLastSegmentAloneGetsItsWholePath() {
    assertThatThrownBy(() -> seed(BARE, List.of(set("per_token=2")), Map.of()))
        .hasMessageEndingWith(
            "no such key path; did you mean language.experts.per_token or"
                + " vision.experts.per_token or connector.experts.per_token?");
  }

  @Test
  void aSetWithoutValueIsAComplaint() {
    assertThatThrownBy(() -> seed(BARE, List.of(set("seed=")), Map.of()))
        .hasMessage("--set seed=: found nothing; expected a value");
  }

  @Test
  void aSetWithoutEqualsIsAComplaint() {
    assertThatThrownBy(() -> set("seed"))
        .isInstanceOf(RecipeException.class)
        .hasMessage("--set seed: expected KEY.PATH=VALUE, such as language.experts.count=8");
  }

  @Test
  void brokenYamlInASetIsNamed() {
    assertThatThrownBy(() -> seed(BARE, List.of(set("language.router.init={kind: zero")), Map.of()))
        .hasMessageStartingWith("--set language.router.init={kind: zero: not YAML: ");
  }

  @Test
  void aFlagsComplaintNamesTheFlag() {
    List<Setting> flags = List.of(Setting.flag("--experts", "language.experts.count", "0"));
    assertThatThrownBy(() -> seed(BARE, flags, Map.of()))
        .hasMessage(
            "--experts 0: language.experts.count: found 0; expected an integer from 1 to 65536");
  }

  @Test
  void extendsIsReadInFilesOnly() {
    assertThatThrownBy(() -> seed(BARE, List.of(set("extends=llama-4x2")), Map.of()))
        .hasMessageContaining("is read in a recipe file only");
  }

  @Test
  void theEquivalentRecipeTakesFlags() {
    Recipe recipe =
        Recipes.resolve(
                Recipes.equivalent(Part.LANGUAGE, "llama", "mixtral"),
                List.of(
                    Setting.flag("--experts", "language.experts.count", "6"),
                    Setting.flag("--per-token", "language.experts.per_token", "3")),
                Map.of())
            .recipe();
    assertThat(recipe.name()).isEqualTo("llama-auto");
    assertThat(recipe.source().language()).containsExactly("llama");
    assertThat(recipe.target()).isEqualTo("mixtral");
    assertThat(recipe.language().orElseThrow().experts())
        .isEqualTo(new Experts(6, 3, new ExpertInit.Copy()));
  }
}
