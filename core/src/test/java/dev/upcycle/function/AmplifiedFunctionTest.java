package dev.upcycle.function;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.function.FunctionReport.Failure;
import dev.upcycle.function.FunctionVerifier.Expectation;
import dev.upcycle.function.FunctionVerifier.Question;
import dev.upcycle.model.EditedModel;
import dev.upcycle.model.GoldenCase;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/// Models whose weights make much of every rounding.
class AmplifiedFunctionTest {
  private static final String LAYERS = "vision_model.encoder.layers.";

  @TempDir Path folder;

  private Checkpoint dense(String name, float factor) throws IOException {
    return EditedModel.of(GoldenCase.vision(name).checkpoint())
        .amplified(factor)
        .write(folder.resolve("dense"));
  }

  private Checkpoint convert(Checkpoint dense, long seed) {
    return Conversions.convert(
        dense, Conversions.recipe("siglip-4x2", "seed=" + seed), folder.resolve("moe"));
  }

  /// As strictly as a conversion, whatever the target's manifest says.
  private static FunctionReport judged(Checkpoint dense, Checkpoint target)
      throws InterruptedException {
    return FunctionVerifier.compare(
        ModelPair.open(dense, target),
        new Judgement.All(),
        new ProbePixels(List.of()),
        (_, _) -> {});
  }

  @ParameterizedTest
  @CsvSource({
    "siglip-vision, 3, 1",
    "siglip-vision, 3, 2",
    "siglip-vision, 8, 1",
    "siglip-vision, 8, 2",
    "llava-siglip-full, 3, 1",
    "llava-siglip-full, 3, 2",
    "llava-siglip-full, 8, 1"
  })
  void rightConversionPasses(String name, float factor, long seed) throws Exception {
    Checkpoint dense = dense(name, factor);

    FunctionReport report =
        FunctionVerifier.verify(
            dense,
            convert(dense, seed),
            new Question(Expectation.CONVERTED, List.of()),
            (_, _) -> {});

    assertThat(report.failures()).isEmpty();
    assertThat(report.whyNotJudged()).isEmpty();
    assertThat(report.limit(report.results().getLast().errors()))
        .describedAs("roundings grow in this model")
        .isGreaterThan(4 * report.bound());
    assertThat(report.worstLayer()).isLessThan(report.bound() / 2);
  }

  private static EditedModel swappedLayers(EditedModel model) {
    model.names().stream()
        .filter(name -> name.contains(LAYERS + "1."))
        .forEach(name -> model.swapped(name, name.replace(LAYERS + "1.", LAYERS + "2.")));
    return model;
  }

  private static Stream<Arguments> faults() {
    UnaryOperator<EditedModel> sign =
        model -> model.signFlipped(LAYERS + "1.mlp.experts.3.fc2.weight", 7);
    UnaryOperator<EditedModel> activation = model -> model.config("hidden_act", "\"gelu\"");
    UnaryOperator<EditedModel> weights = model -> model.config("router_norm_topk_prob", "false");
    UnaryOperator<EditedModel> layers = AmplifiedFunctionTest::swappedLayers;
    return Stream.of(
        Arguments.of("one sign of one expert", sign, "layer 1"),
        Arguments.of("layers swapped", layers, "layer 1"),
        Arguments.of("another activation", activation, "layer 0"),
        Arguments.of("weights that do not sum to 1", weights, "layer 0"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("faults")
  void faultIsCaughtAndItsLayerNamed(String fault, UnaryOperator<EditedModel> edit, String layer)
      throws Exception {
    Checkpoint dense = dense("siglip-vision", 8);
    Checkpoint target =
        edit.apply(EditedModel.of(convert(dense, 1))).write(folder.resolve("wrong"));

    FunctionReport report = judged(dense, target);

    assertThat(report.failures()).extracting(Failure::subject).first().isEqualTo(layer);
    assertThat(report.layers())
        .filteredOn(one -> one.place().name().equals(layer))
        .allSatisfy(one -> assertThat(one.errors().alone()).isGreaterThan(10 * report.bound()));
  }

  @ParameterizedTest
  @CsvSource({
    "vision_model.embeddings.position_embedding.weight, embeddings",
    "vision_model.post_layernorm.weight, states",
    "vision_model.head.attention.in_proj_weight, pooled"
  })
  void faultBesideTheLayersIsCaughtAndNamed(String tensor, String subject) throws Exception {
    Checkpoint dense = dense("siglip-vision", 8);
    Checkpoint target =
        EditedModel.of(convert(dense, 1)).signFlipped(tensor, 9).write(folder.resolve("wrong"));

    FunctionReport report = judged(dense, target);

    assertThat(report.failures()).extracting(Failure::subject).first().isEqualTo(subject);
    assertThat(report.firstParting()).isEmpty();
  }

  @Test
  void partThatIsTheDenseModelsOwnIsNotNamedForAnothersFault() throws Exception {
    Checkpoint dense = dense("llava-siglip-full", 3);
    Checkpoint target =
        EditedModel.of(convert(dense, 1))
            .signFlipped("vision_tower." + LAYERS + "1.mlp.experts.3.fc2.weight", 7)
            .write(folder.resolve("wrong"));

    FunctionReport report = judged(dense, target);

    assertThat(report.failures())
        .extracting(Failure::subject)
        .contains("vision layer 1", "logits")
        .noneMatch(subject -> subject.startsWith("language"));
    assertThat(report.layers().getLast().errors().alone()).isZero();
  }
}
