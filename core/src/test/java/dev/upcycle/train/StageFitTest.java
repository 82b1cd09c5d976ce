package dev.upcycle.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.arch.Composition;
import dev.upcycle.checkpoint.DType;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.checkpoint.TensorSpec;
import dev.upcycle.data.SkipLimit;
import dev.upcycle.plan.Discarded;
import dev.upcycle.plan.PlanException;
import dev.upcycle.recipe.RecipeException;
import dev.upcycle.recipe.Stage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// What a later stage says wrong ends the run before its first stage.
class StageFitTest {
  private static final String RECIPE =
      """
      recipe: 1
      language: {experts: {count: 4}}
      train:
        defaults:
          rates: {all: 1.0e-3}
          batch: 2
          steps: 1
          data: {path: dense/held-out.txt, max_tokens: 16}
        stages:
          - {name: a}
          - {name: b, upcycle: language}
      """;

  @TempDir private Path folder;

  @BeforeEach
  void write() throws IOException {
    Files.writeString(folder.resolve("bad.jsonl"), "{\"text\": 3}\n{\"text\": \"light\"}\n");
    Files.writeString(
        folder.resolve("talk.jsonl"),
        """
        {"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "bc"}]}
        """);
  }

  private TrainRun.Request request(String... settings) {
    return new Runs(folder).request(RECIPE, settings);
  }

  private TrainRun.Result run(TrainRun.Request request) {
    return TrainRun.run(request, folder.resolve("run"), TrainRun.Mode.FRESH, TrainListener.SILENT);
  }

  private void assertRefused(TrainRun.Request request, String message) {
    assertThatThrownBy(() -> run(request))
        .isInstanceOf(PlanException.class)
        .hasMessageContaining(message);
    assertThatThrownBy(() -> TrainRun.preview(request))
        .isInstanceOf(PlanException.class)
        .hasMessageContaining(message);
    assertThat(folder.resolve("run")).doesNotExist();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "train.stages.1.rates={al: 1}|rates of stage b: 'al' fits no tensor of the model;"
            + " did you mean all?",
        "train.stages.1.rates={gate: 1}|rates of stage b: 'gate' fits no tensor of the model;"
            + " did you mean \"*gate*\"?",
        "train.stages.1.rates={vision: 1}|'vision' fits no tensor of the model; expected one of"
            + " all, experts, routers, language, or a pattern of names such as model.",
        "train.stages.1.optimizer.no_decay=[\"*.bias\"]|optimizer.no_decay of stage b: '*.bias'",
        "train.stages.1.rates={all: 1, \"*\": 0}|rates of stage b: nothing trains",
        "train.stages.1.losses.balance.parts={vision: 1}|losses.balance.parts.vision of stage b:"
            + " a mixtral has no such part",
        "train.stages.1.data.template=chat|data of stage b: ",
        "train.stages.1.data.template=v1|is a text, and the template 'v1' takes conversations",
      })
  void whatDoesNotFitTheModelIsNamedWithItsStageAndKey(String setting, String message) {
    assertRefused(request(setting), message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "data.path=none.txt|none.txt: there is no such file",
        "data.path=bad.jsonl|bad.jsonl, row 0: 'text' is a number, expected text",
        "data.path=talk.jsonl|row 0: is a conversation, and the template 'text' takes rows",
        "validate={path: none.txt}|validate of stage b: ",
        "data.images=none|data.images of stage b: found a folder of images, and a mistral sees none",
      })
  void dataThatAreNotThereOrDoNotFitAreNamedWithTheirStage(String setting, String message) {
    String absolute =
        setting
            .replaceFirst("path([=:]) ?", "path$1 " + folder + "/")
            .replace("= ", "=")
            .replace("images=", "images=" + folder + "/");
    assertRefused(request("train.stages.1." + absolute), message);
  }

  @Test
  void aBadFirstRowIsLeftToTheStageWhereRowsMayBePassedOver() {
    TrainRun.Request strict = request("train.stages.1.data.path=" + folder.resolve("bad.jsonl"));
    TrainRun.Request lenient =
        new TrainRun.Request(
            strict.source(), strict.recipe(), strict.device(), strict.threads(), new SkipLimit(1));
    assertThat(run(lenient).steps()).isEqualTo(2);
  }

  @Test
  void aPlanThatFailsNamesTheStageThatAsksForIt() {
    TrainRun.Request wrong = request("language.layers={last: 1}");
    assertThatThrownBy(() -> run(wrong))
        .isInstanceOf(RecipeException.class)
        .hasMessageContaining("stage b upcycles language: ")
        .hasMessageContaining("language.layers");
    assertThat(folder.resolve("run")).doesNotExist();
  }

  @Test
  void everyReasonComesAtOnceWithItsPlaceInTheRecipe() {
    TrainRun.Request wrong =
        new Runs(folder)
            .request(
                RECIPE
                    .replace("{name: a}", "{name: a, rates: {foo: 1}}")
                    .replace("upcycle: language", "upcycle: language, rates: {bar: 1}"));
    assertThatThrownBy(() -> run(wrong))
        .isInstanceOfSatisfying(
            PlanException.class,
            refusal ->
                assertThat(refusal.reasons())
                    .satisfiesExactly(
                        first ->
                            assertThat(first)
                                .startsWith("mine.yaml:10: train.stages.0.rates of stage a: 'foo'"),
                        second ->
                            assertThat(second)
                                .startsWith(
                                    "mine.yaml:11: train.stages.1.rates of stage b: 'bar'")));
  }

  @Test
  void theMendedRecipeBeginsInTheSameFolder() {
    assertRefused(request("train.stages.1.rates={foo: 1}"), "'foo'");
    assertThat(run(request()).steps()).isEqualTo(2);
  }

  @Test
  void wordsOfExpertsFitTheStageThatHasThemOnly() {
    assertThat(run(request("train.stages.1.rates={experts: 1.0e-3}")).steps()).isEqualTo(2);
    TrainRun.Request early = request("train.stages.0.rates={experts: 1.0e-3}");
    assertThatThrownBy(() -> TrainRun.preview(early))
        .hasMessageContaining("train.stages.0.rates of stage a: 'experts' fits no tensor");
  }

  @Test
  void aBiasThatMustStayZeroMayNotTrainBeforeItIsLeftOut() throws IOException {
    ModelConfig config =
        ModelConfig.read(
            Files.writeString(
                folder.resolve("biased.json"),
                """
                {"model_type": "llama", "vocab_size": 259, "hidden_size": 16,
                 "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2,
                 "num_key_value_heads": 2, "hidden_act": "silu", "rms_norm_eps": 1e-5,
                 "mlp_bias": true, "max_position_embeddings": 64, "tie_word_embeddings": false}
                """));
    Composition names = Composition.read(config, Set.of());
    List<TensorSpec> tensors = names.slots().map(slot -> slot.spec(DType.F32)).toList();
    String bias = "model.layers.0.mlp.up_proj.bias";
    List<PlannedModel> models =
        List.of(
            new PlannedModel(config, names, tensors, List.of(), Map.of()),
            new PlannedModel(
                config, names, tensors, List.of(new Discarded(bias, "all zero")), Map.of()));

    TrainRun.Request moving = request();
    assertThatThrownBy(() -> StageFit.require(moving, stages(moving), models))
        .hasMessageContaining("train.stages.0.rates of stage a: " + bias + " trains, which stage b")
        .hasMessageContaining("expected \"" + bias + "\": 0");
    TrainRun.Request frozen = request("train.stages.0.rates={all: 1, \"*.bias\": 0}");
    assertThatCode(() -> StageFit.require(frozen, stages(frozen), models))
        .doesNotThrowAnyException();
  }

  private static List<Stage> stages(TrainRun.Request request) {
    return request.recipe().recipe().training().orElseThrow().stages();
  }
}
