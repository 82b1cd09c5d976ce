package dev.upcycle.verify;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.verify.VerifyReport.Failure;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.node.ObjectNode;

class ConfigVerificationTest {
  @TempDir Path directory;

  @Test
  void anotherTopKThanTheRecipeAskedForIsFound() throws IOException {
    assertThat(failures(config -> config.put("num_experts_per_tok", 1)))
        .extracting(Failure::tensor)
        .containsExactly("config.json: num_experts_per_tok");
  }

  @Test
  void moreExpertsPerTokenThanExpertsIsFound() throws IOException {
    assertThat(failures(config -> config.put("num_experts_per_tok", 9)))
        .singleElement()
        .extracting(Failure::message)
        .asString()
        .contains("num_experts_per_tok");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"rms_norm_eps", "max_position_embeddings", "sliding_window", "eos_token_id"})
  void aValueThatIsNotTheSourcesIsFound(String key) throws IOException {
    assertThat(failures(config -> config.put(key, 7)))
        .extracting(Failure::tensor)
        .containsExactly("config.json: " + key);
  }

  @ParameterizedTest
  @ValueSource(strings = {"num_experts", "decoder_sparse_step", "max_window_layers"})
  void aKeyThatReadersTakeForAnotherIsFound(String key) throws IOException {
    assertThat(failures(config -> config.put(key, 3)))
        .extracting(Failure::tensor)
        .containsExactly("config.json: " + key);
  }

  @Test
  void anUnknownKeyOfTheSourceMustSurviveUnchanged() throws IOException {
    HandMadeTarget model = new HandMadeTarget(directory);
    model.denseConfig.put("kept", 1).put("lost", 2).put("changed", 3);
    model.targetConfig.put("kept", 1).put("changed", 4);

    assertThat(model.write().verify().failures())
        .extracting(Failure::tensor)
        .containsExactlyInAnyOrder("config.json: lost", "config.json: changed");
  }

  @Test
  void aKeyThatNeitherSourceNorRecipeHasIsFound() throws IOException {
    assertThat(failures(config -> config.put("attention_bias_scale", 2)))
        .extracting(Failure::tensor)
        .containsExactly("config.json: attention_bias_scale");
  }

  @Test
  void aTrainerMayAddAndDropKeys() throws IOException {
    HandMadeTarget model = new HandMadeTarget(directory);
    model.denseConfig.put("transformers_version", "4.57.6");
    model.targetConfig.put("added", 2);

    assertThat(model.write().verify(Verifier.Expectation.TRAINED).failures()).isEmpty();
  }

  @Test
  void anEqualNumberSpelledOtherwiseIsNoFailure() throws IOException {
    assertThat(failures(config -> config.put("rms_norm_eps", new BigDecimal("0.0000100"))))
        .isEmpty();
  }

  @Test
  void aMissingValueMeansTheClasssDefaultAndNotTheSources() throws IOException {
    HandMadeTarget model = new HandMadeTarget(directory);
    model.denseConfig.remove("sliding_window");

    assertThat(model.write().verify().failures())
        .singleElement()
        .extracting(Failure::message)
        .asString()
        .contains("expected 4096");
  }

  @Test
  void aRopeBaseThatIsNotTheSourcesIsFound() throws IOException {
    assertThat(
            failures(config -> {
              config.put("rope_theta", 500.0);
              config
                  .putObject("rope_parameters")
                  .put("rope_theta", 500.0)
                  .put("rope_type", "default");
            }))
        .extracting(Failure::tensor)
        .containsExactly("config.json: rope_parameters");
  }

  @Test
  void spellingsOfTheRotaryEmbeddingThatDisagreeAreFound() throws IOException {
    assertThat(failures(config -> config.put("rope_theta", 500.0)))
        .extracting(Failure::tensor)
        .containsExactly("config.json: rope_parameters");
  }

  @Test
  void spellingsOfTheDtypeThatDisagreeAreFound() throws IOException {
    assertThat(failures(config -> config.put("torch_dtype", "float16")))
        .extracting(Failure::tensor)
        .contains("config.json: dtype");
  }

  @ParameterizedTest
  @ValueSource(strings = {"torch_dtype", "dtype", "rope_theta", "rope_parameters", "head_dim"})
  void aSpellingThatOneGenerationNeedsMustBeThere(String key) throws IOException {
    assertThat(failures(config -> config.remove(key)))
        .extracting(Failure::tensor)
        .contains("config.json: " + key);
  }

  @Test
  void theWrongClassIsFound() throws IOException {
    assertThat(failures(config -> config.putArray("architectures").add("MistralForCausalLM")))
        .extracting(Failure::tensor)
        .containsExactly("config.json: architectures");
  }

  @Test
  void aKeyThatTheRecipeSetsMustBeSet() throws IOException {
    assertThat(failures(config -> config.put("output_router_logits", true)))
        .extracting(Failure::tensor)
        .containsExactly("config.json: output_router_logits");
  }

  @Test
  void aKeyThatTheRecipeSetsNeedNotBeTheSources() throws IOException {
    HandMadeTarget model = new HandMadeTarget(directory);
    model.set("output.config", "{max_position_embeddings: 32}");
    model.targetConfig.put("max_position_embeddings", 32);

    assertThat(model.write().verify().failures()).isEmpty();
  }

  private List<Failure> failures(Consumer<ObjectNode> change) throws IOException {
    HandMadeTarget model = new HandMadeTarget(directory);
    change.accept(model.targetConfig);
    return model.write().verify().failures();
  }
}
