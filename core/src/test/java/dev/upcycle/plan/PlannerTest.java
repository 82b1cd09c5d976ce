package dev.upcycle.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.upcycle.TestRecipes;
import dev.upcycle.arch.Architecture;
import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.DType;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.fixtures.dense.DenseFixture;
import dev.upcycle.fixtures.dense.DenseFixture.Bias;
import dev.upcycle.fixtures.dense.DenseFixture.Spelling;
import dev.upcycle.plan.UpcyclePlan.Severity;
import dev.upcycle.recipe.RecipeException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

class PlannerTest {
  @TempDir Path folder;

  private UpcyclePlan plan(DenseFixture fixture, String... settings) {
    Path dense = fixture.write(folder.resolve("dense"));
    return Planner.plan(Checkpoint.open(dense), TestRecipes.fourByTwo(settings));
  }

  private List<String> reasons(DenseFixture fixture) {
    PlanException refusal = catchThrowableOfType(PlanException.class, () -> plan(fixture));
    assertThat(refusal).isNotNull();
    return refusal.reasons();
  }

  private static ModelConfig config(DenseFixture fixture) {
    return ModelConfig.of((ObjectNode) JsonMapper.shared().readTree(fixture.configJson()));
  }

  private static String warnings(UpcyclePlan plan) {
    return String.join(
        "\n",
        plan.notes().stream()
            .filter(note -> note.severity() == Severity.WARNING)
            .map(UpcyclePlan.Note::text)
            .toList());
  }

  private static String limits(UpcyclePlan plan) {
    return String.join(
        "\n",
        plan.consumers().stream()
            .filter(consumer -> consumer.loads() == Consumer.Loads.WITH_LIMITS)
            .map(Consumer::reason)
            .toList());
  }

  @Test
  void everyTargetTensorIsMadeOnceInStateDictOrder() {
    UpcyclePlan plan = plan(DenseFixture.mistral());
    assertThat(plan.tensors())
        .isEqualTo(Architecture.require("mixtral").expected(plan.targetConfig(), DType.F32));
    assertThat(plan.tensors()).extracting(tensor -> tensor.name()).doesNotHaveDuplicates();
  }

  @Test
  void leftOverSourceTensorsAreAnErrorNamingThemAll() {
    assertThat(
            reasons(
                DenseFixture.mistral()
                    .with("model.layers.0.mlp.gate_proj.scale", 24)
                    .with("vision.patch", 3, 3)))
        .hasSize(2)
        .anySatisfy(reason ->
            assertThat(reason)
                .contains(
                    "model.layers.0.mlp.gate_proj.scale", "model.layers.[layer].mlp.gate_proj"))
        .anySatisfy(reason -> assertThat(reason).contains("vision.patch [3, 3]"));
  }

  @Test
  void unfilledTargetTensorsAreAnErrorNamingThemAll() {
    assertThat(
            reasons(
                DenseFixture.llama()
                    .without("model.layers.1.mlp.up_proj.weight")
                    .without("lm_head.weight")))
        .hasSize(2)
        .anySatisfy(r -> assertThat(r).contains("model.layers.1.mlp.up_proj.weight [24, 16]"))
        .anySatisfy(r -> assertThat(r).contains("lm_head.weight", "tie_word_embeddings"));
  }

  @Test
  void aShapeThatTheConfigContradictsIsNamedWithBoth() {
    assertThat(reasons(DenseFixture.mistral().config("intermediate_size", "32")))
        .hasSize(6)
        .first()
        .asString()
        .contains("model.layers.0.mlp.gate_proj.weight", "[24, 16]", "[32, 16]");
  }

  @Test
  void aLayerBeyondTheConfigIsRefused() {
    assertThat(reasons(DenseFixture.mistral().config("num_hidden_layers", "1")))
        .allSatisfy(reason -> assertThat(reason).contains("layer 1", "num_hidden_layers"));
  }

  @Test
  void attentionBiasesAreRefusedNamingTheFamilyThatCarriesThem() {
    assertThat(reasons(DenseFixture.llama().attentionBias(Bias.NONZERO)))
        .hasSize(8)
        .allSatisfy(reason -> assertThat(reason).contains("self_attn", "Qwen2-MoE"));
  }

  @Test
  void feedForwardBiasesAreRefused() {
    assertThat(reasons(DenseFixture.llama().mlpBias(Bias.NONZERO)))
        .hasSize(6)
        .allSatisfy(reason -> assertThat(reason).contains("feed-forward biases"));
  }

  @Test
  void biasesThatAreAllZeroAreDiscardedWithTheReason() {
    UpcyclePlan plan = plan(DenseFixture.llama().attentionBias(Bias.ZERO));
    assertThat(plan.discarded()).hasSize(8).allMatch(one -> one.reason().contains("all zero"));
    assertThat(plan.targetConfig().has("attention_bias")).isFalse();
  }

  @Test
  void aStoredHeadThatEqualsTheTiedEmbeddingIsDiscarded() {
    UpcyclePlan plan = plan(DenseFixture.llama().tiedWithStoredHead());
    assertThat(plan.discarded()).extracting(Discarded::name).containsExactly("lm_head.weight");
  }

  @Test
  void aStoredHeadThatDiffersFromTheTiedEmbeddingIsRefused() {
    assertThat(reasons(DenseFixture.llama().config("tie_word_embeddings", "true")))
        .singleElement()
        .asString()
        .contains("lm_head.weight differs", "tie_word_embeddings");
  }

  @ParameterizedTest
  @CsvSource({
    "sliding_window, 0",
    "sliding_window, -5",
    "max_position_embeddings, 0",
    "max_position_embeddings, 9000000000000000000"
  })
  void aCountOfTokensThatIsNoneIsRefusedInTheSourceAndInTheRecipe(String key, String value) {
    assertThat(reasons(DenseFixture.mistral().config(key, value)))
        .singleElement()
        .asString()
        .contains(key, value);
    assertThatThrownBy(
            () -> plan(DenseFixture.mistral(), "output.config={" + key + ": " + value + "}"))
        .isInstanceOf(RecipeException.class)
        .hasMessageContaining("output.config." + key);
  }

  @Test
  void anotherActivationIsRefused() {
    assertThat(reasons(DenseFixture.llama().config("hidden_act", "\"gelu\"")))
        .singleElement()
        .asString()
        .contains("gelu", "silu");
  }

  @ParameterizedTest
  @ValueSource(strings = {"qwen2", "gemma2", "phi3", "mixtral", "qwen3_moe", "unheard_of"})
  void familiesThatCannotGoInAreRefusedSayingWhy(String family) {
    ModelConfig config = config(DenseFixture.mistral().config("model_type", "\"" + family + "\""));
    assertThatThrownBy(() -> Planner.plan(config, TestRecipes.fourByTwo()))
        .isInstanceOf(PlanException.class)
        .hasMessageContaining(family);
  }

  @Test
  void everythingThatTheRecipeWouldHaveToChangeIsSaidAtOnce() {
    assertThatThrownBy(() ->
            plan(DenseFixture.llama(), "source.language=mistral", "language.layers={last: 1}"))
        .isInstanceOf(RecipeException.class)
        .hasMessageContaining("--set source.language=llama")
        .hasMessageContaining("decoder_sparse_step");
  }

  @Test
  void aConfigKeyThatContradictsTheTensorsIsRefused() {
    assertThatThrownBy(() -> plan(DenseFixture.llama(), "output.config={num_local_experts: 8}"))
        .isInstanceOf(RecipeException.class)
        .hasMessageContaining("language.experts.count");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "num_experts: 3",
        "layer_types: [sliding_attention, full_attention]",
        "decoder_sparse_step: 2",
        "mlp_only_layers: [0]",
        "use_sliding_window: false"
      })
  void aKeyThatTheTargetsReadersTakeForAnotherIsDroppedAndRefusedInARecipe(String member) {
    String key = member.substring(0, member.indexOf(':'));
    String value =
        member.substring(member.indexOf(':') + 1).replaceAll("([a-z]+_[a-z]+)", "\"$1\"");
    assertThat(plan(DenseFixture.mistral().config(key, value)).targetConfig().has(key)).isFalse();
    assertThatThrownBy(() -> plan(DenseFixture.mistral(), "output.config={" + member + "}"))
        .isInstanceOf(RecipeException.class)
        .hasMessageContaining("output.config." + key);
  }

  @Test
  void aConfigKeyOfTheRecipeReplacesTheDerivedOne() {
    UpcyclePlan plan =
        plan(
            DenseFixture.llama(),
            "output.config={router_aux_loss_coef: 1, output_router_logits: true}");
    ObjectNode json = plan.targetConfig().json();
    assertThat(json.get("router_aux_loss_coef").isFloatingPointNumber()).isTrue();
    assertThat(json.get("output_router_logits").booleanValue()).isTrue();
  }

  @ParameterizedTest
  @EnumSource(Spelling.class)
  void theTargetsConfigHasBothSpellingsWhateverTheSourceHas(Spelling spelling) {
    UpcyclePlan plan =
        plan(
            DenseFixture.llama()
                .spelling(spelling)
                .ropeScaling("\"rope_type\": \"linear\", \"factor\": 2"));
    ObjectNode json = plan.targetConfig().json();
    assertThat(json.get("rope_theta").doubleValue()).isEqualTo(50000.0);
    assertThat(json.at("/rope_scaling/rope_type").asString()).isEqualTo("linear");
    assertThat(json.at("/rope_scaling/factor").isFloatingPointNumber()).isTrue();
    assertThat(json.at("/rope_parameters/rope_theta").doubleValue()).isEqualTo(50000.0);
    assertThat(json.get("torch_dtype")).isEqualTo(json.get("dtype"));
    assertThat(limits(plan)).contains("rope scaling linear");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\"rope_type\": \"llama3\", \"factor\": 8.0, \"low_freq_factor\": 1.0,"
            + " \"high_freq_factor\": 4.0, \"original_max_position_embeddings\": 64",
        "\"rope_type\": \"yarn\", \"factor\": 4.0, \"beta_fast\": 32.0, \"beta_slow\": 1.0,"
            + " \"original_max_position_embeddings\": 64",
        "\"rope_type\": \"dynamic\", \"factor\": 2.0"
      })
  void everyKindOfRopeScalingIsCarriedWholeInBothSpellings(String members) {
    ObjectNode json = plan(DenseFixture.llama().ropeScaling(members)).targetConfig().json();
    JsonMapper.shared()
        .readTree("{" + members + "}")
        .forEachEntry((key, value) -> {
          assertThat(json.at("/rope_scaling/" + key)).as(key).isEqualTo(value);
          assertThat(json.at("/rope_parameters/" + key)).as(key).isEqualTo(value);
        });
    assertThat(json.at("/rope_parameters/rope_theta").doubleValue()).isEqualTo(50000.0);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"deepseek_v3", "gpt_oss", "jetmoe", "dbrx", "mixtral", "qwen3_moe", "olmoe"})
  void mixturesOfExpertsAreRefusedAsSuchWhateverTheirName(String family) {
    ModelConfig config = config(DenseFixture.mistral().config("model_type", "\"" + family + "\""));
    assertThat(Families.refusal(config)).hasValueSatisfying(PlannerTest::saysItIsAlreadyAMixture);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\"n_routed_experts\": 64",
        "\"num_local_experts\": 8",
        "\"num_experts\": 16",
        "\"text_config\": {\"num_local_experts\": 16}"
      })
  void expertsInTheConfigOfAnUnknownFamilyAreRefusedAsSuch(String member) {
    String key = member.substring(1, member.indexOf('"', 1));
    String value = member.substring(member.indexOf(':') + 1);
    DenseFixture fixture = DenseFixture.mistral().config("model_type", "\"unheard_of\"");
    assertThat(Families.refusal(config(fixture.config(key, value))))
        .hasValueSatisfying(PlannerTest::saysItIsAlreadyAMixture);
  }

  private static void saysItIsAlreadyAMixture(String reason) {
    assertThat(reason).contains("already a Mixture-of-Experts");
  }

  @Test
  void familyOfNoExpertsIsNotTakenForAMixture() {
    ModelConfig config =
        config(
            DenseFixture.mistral()
                .config("model_type", "\"unheard_of\"")
                .config("num_local_experts", "0"));
    assertThat(Families.refusal(config))
        .hasValueSatisfying(reason -> assertThat(reason).contains("is not built"));
  }

  @Test
  void anAbsentSlidingWindowOfMistralIsWrittenOut() {
    UpcyclePlan plan = plan(DenseFixture.mistral().withoutConfig("sliding_window"));
    assertThat(plan.targetConfig().requireLong("sliding_window")).isEqualTo(4096);
  }

  @Test
  void aSlidingWindowThatLlamaIgnoresStaysWithoutEffect() {
    UpcyclePlan plan = plan(DenseFixture.llama().config("sliding_window", "32"));
    assertThat(plan.targetConfig().json().get("sliding_window").isNull()).isTrue();
  }

  @Test
  void aFunctionalKeyThatTheRecipeChangesIsWarnedOf() {
    UpcyclePlan plan = plan(DenseFixture.mistral(), "output.config={sliding_window: 3}");
    assertThat(warnings(plan)).contains("output.config.sliding_window replaces null");
    assertThat(plan.fidelity().overrides())
        .containsExactly(new Fidelity.Change("sliding_window", "null", "3"));
  }

  @Test
  void theNumberOfPositionsIsFunctionalWhereRopeScalingComputesWithIt() {
    String setting = "output.config={max_position_embeddings: 32}";
    assertThat(plan(DenseFixture.llama(), setting).fidelity().overrides()).isEmpty();
    DenseFixture dynamic =
        DenseFixture.llama().ropeScaling("\"rope_type\": \"dynamic\", \"factor\": 2.0");
    assertThat(plan(dynamic, setting).fidelity().overrides())
        .extracting(Fidelity.Change::key)
        .containsExactly("max_position_embeddings");
  }

  @Test
  void anEqualNumberOfAnotherKindContradictsNothingAndChangesNothing() {
    ModelConfig plain = plan(DenseFixture.llama()).targetConfig();
    UpcyclePlan plan = plan(DenseFixture.llama(), "output.config={rope_theta: 50000}");
    assertThat(plan.targetConfig().toJson()).isEqualTo(plain.toJson());
  }

  @Test
  void headDimThatIsNotHiddenOverHeadsIsKeptAndWarnedOf() {
    UpcyclePlan plan = plan(DenseFixture.mistral().headDim(8));
    assertThat(plan.targetConfig().requireLong("head_dim")).isEqualTo(8);
    assertThat(limits(plan)).contains("head_dim as 4, not 8");
  }

  @Test
  void aZeroRouterIsWarnedOf() {
    assertThat(warnings(plan(DenseFixture.llama(), "language.router.init={kind: zero}")))
        .contains("every token goes to the same 2 of 4 experts");
  }

  @Test
  void equalInputsGiveEqualPlansAndAnotherSeedAnother() {
    Path dense = DenseFixture.mistral().write(folder.resolve("dense"));
    UpcyclePlan one = Planner.plan(Checkpoint.open(dense), TestRecipes.fourByTwo());
    UpcyclePlan two = Planner.plan(Checkpoint.open(dense), TestRecipes.fourByTwo());
    UpcyclePlan other = Planner.plan(Checkpoint.open(dense), TestRecipes.fourByTwo("seed=8"));
    assertThat(two.steps()).isEqualTo(one.steps());
    assertThat(two.sha256()).isEqualTo(one.sha256()).isNotEqualTo(other.sha256());
  }

  @Test
  void aBareConfigGivesThePlanOfTheCheckpointThatItPromises() {
    DenseFixture fixture = DenseFixture.mistral().dtype("BF16");
    UpcyclePlan bare = Planner.plan(config(fixture), TestRecipes.fourByTwo());
    UpcyclePlan real = plan(fixture);
    assertThat(bare.tensors()).isEqualTo(real.tensors());
    assertThat(bare.layout()).isEqualTo(real.layout());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "\"rope_type\": \"bogus\", \"factor\": 2.0 | rope type in config.json is bogus",
        "\"rope_type\": \"linear\" | linear in config.json has no factor"
      })
  void rotaryEmbeddingsThatNoConsumerCanBuildAreRefused(String members, String reason) {
    assertThatThrownBy(() -> plan(DenseFixture.llama().ropeScaling(members)))
        .isInstanceOf(PlanException.class)
        .hasMessageContaining(reason);
  }
}
