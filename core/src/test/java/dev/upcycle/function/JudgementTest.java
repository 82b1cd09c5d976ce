package dev.upcycle.function;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.function.FunctionReport.Failure;
import dev.upcycle.function.FunctionReport.Layer;
import dev.upcycle.function.FunctionVerifier.Expectation;
import dev.upcycle.function.FunctionVerifier.Question;
import dev.upcycle.model.EditedModel;
import dev.upcycle.model.GoldenCase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Which parts of a target are held against a bound, and why others are not.
class JudgementTest {
  private static final String LAYERS = "vision_model.encoder.layers.";
  private static final String EXPERT = ".mlp.experts.3.fc2.weight";

  @TempDir Path folder;

  private Checkpoint dense;
  private EditedModel target;

  @BeforeEach
  void convert() throws IOException {
    dense =
        EditedModel.of(GoldenCase.vision("siglip-vision").checkpoint())
            .amplified(1)
            .write(folder.resolve("dense"));
    target =
        EditedModel.of(
            Conversions.convert(dense, Conversions.recipe("siglip-4x2"), folder.resolve("moe")));
  }

  /// Under the manifest that the conversion wrote.
  private FunctionReport verify() throws IOException, InterruptedException {
    return verify(Expectation.CONVERTED);
  }

  private FunctionReport verify(Expectation expectation) throws IOException, InterruptedException {
    Checkpoint edited = target.write(folder.resolve("edited"));
    Path manifest = edited.directory().resolve("upcycle.json");
    if (!Files.exists(manifest)) {
      Files.copy(folder.resolve("moe/upcycle.json"), manifest);
    }
    return FunctionVerifier.verify(
        dense, edited, new Question(expectation, List.of()), (_, _) -> {});
  }

  private static List<String> exempt(FunctionReport report) {
    return report.layers().stream()
        .filter(layer -> report.judgement().objection(layer.place()).isPresent())
        .map(layer -> layer.place().name())
        .toList();
  }

  /// Says in the manifest that a tensor came about in another way.
  private void manifestSays(String tensor, String kind) throws IOException {
    Files.createDirectories(folder.resolve("edited"));
    String json = Files.readString(folder.resolve("moe/upcycle.json"));
    int kinds = json.indexOf("\"kind\"", json.indexOf('"' + tensor + '"'));
    int begin = json.indexOf('"', json.indexOf(':', kinds)) + 1;
    String changed = json.substring(0, begin) + kind + json.substring(json.indexOf('"', begin));
    Files.writeString(folder.resolve("edited/upcycle.json"), changed);
  }

  @Test
  void conversionIsJudgedAsAWhole() throws Exception {
    FunctionReport report = verify();

    assertThat(report.judgement()).isEqualTo(new Judgement.All());
    assertThat(report.failures()).isEmpty();
  }

  @Test
  void tensorThatIsNoCopyExemptsItsLayerAndTheWhole() throws Exception {
    manifestSays(LAYERS + 1 + EXPERT, "drop_upcycling");

    FunctionReport report = verify();

    assertThat(report.whyNotJudged())
        .contains(LAYERS + 1 + EXPERT + " is drop_upcycling, not a copy");
    assertThat(exempt(report)).containsExactly("layer 1");
    assertThat(report.failures()).isEmpty();
  }

  @Test
  void weightsThatNeedNotSumToOneExemptLayersWithExperts() throws Exception {
    target.config("router_norm_topk_prob", "false");

    FunctionReport report = verify();

    assertThat(report.whyNotJudged()).contains("the chosen experts' weights need not sum to 1");
    assertThat(exempt(report)).containsExactly("layer 0", "layer 1", "layer 2");
    assertThat(report.failures()).isEmpty();
    assertThat(report.worstLayer()).isGreaterThan(1e-2);
  }

  @Test
  void layerWithoutExpertsIsJudgedWhereWeightsNeedNotSumToOne() throws Exception {
    Checkpoint converted =
        Conversions.convert(
            dense,
            Conversions.recipe("siglip-4x2", "vision.layers={except_last: 1}"),
            folder.resolve("two"));
    Files.copy(
        converted.directory().resolve("upcycle.json"),
        folder.resolve("moe/upcycle.json"),
        StandardCopyOption.REPLACE_EXISTING);
    target =
        EditedModel.of(converted)
            .config("router_norm_topk_prob", "false")
            .signFlipped(LAYERS + "2.mlp.fc2.weight", 3);

    FunctionReport report = verify();

    assertThat(exempt(report)).containsExactly("layer 0", "layer 1");
    assertThat(report.failures()).extracting(Failure::subject).contains("layer 2");
  }

  @Test
  void roundedTensorExemptsItsLayerAndTheWhole() throws Exception {
    target.rounded(LAYERS + 1 + EXPERT);

    FunctionReport report = verify();

    assertThat(report.whyNotJudged())
        .contains(LAYERS + 1 + EXPERT + " was rounded from F32 to BF16");
    assertThat(exempt(report)).containsExactly("layer 1");
    assertThat(report.failures()).isEmpty();
  }

  @Test
  void roundedTensorBesideTheLayersExemptsNone() throws Exception {
    target.rounded("vision_model.post_layernorm.weight");

    FunctionReport report = verify();

    assertThat(report.whyNotJudged()).isPresent();
    assertThat(exempt(report)).isEmpty();
    assertThat(report.failures()).isEmpty();
  }

  @Test
  void faultOfALayerBesideAnExemptOneIsCaught() throws Exception {
    target.rounded(LAYERS + 0 + EXPERT).signFlipped(LAYERS + 2 + EXPERT, 3);

    FunctionReport report = verify();

    assertThat(report.failures()).extracting(Failure::subject).containsExactly("layer 2");
    assertThat(report.findControl())
        .describedAs("the control is of a layer that is judged")
        .hasValueSatisfying(control -> assertThat(control.place().layer()).isEqualTo(1));
  }

  @Test
  void faultOfAnExemptLayerIsReportedOnly() throws Exception {
    target.rounded(LAYERS + 1 + EXPERT).signFlipped(LAYERS + 1 + EXPERT, 3);

    FunctionReport report = verify();

    assertThat(report.failures()).isEmpty();
    assertThat(report.firstParting())
        .map(Layer::place)
        .hasValueSatisfying(place -> assertThat(place.layer()).isEqualTo(1));
  }

  @Test
  void trainedTargetIsNotJudgedAtAll() throws Exception {
    target.signFlipped(LAYERS + 1 + EXPERT, 3);

    FunctionReport report = verify(Expectation.TRAINED);

    assertThat(report.whyNotJudged()).contains("the target was trained since");
    assertThat(exempt(report)).hasSize(3);
    assertThat(report.failures()).isEmpty();
  }

  @Test
  void firstLayerThatIsNotFiniteIsNamedThoughNothingIsJudged() throws Exception {
    target.infinite(LAYERS + "1.self_attn.out_proj.bias");

    FunctionReport report = verify(Expectation.TRAINED);

    assertThat(report.failures()).extracting(Failure::subject).first().isEqualTo("layer 1");
    assertThat(report.failures().getFirst().message()).endsWith("not finite");
  }
}
