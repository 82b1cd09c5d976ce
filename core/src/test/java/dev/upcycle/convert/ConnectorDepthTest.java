package dev.upcycle.convert;

import static dev.upcycle.convert.Conversions.CONNECTOR;
import static dev.upcycle.convert.Conversions.LANGUAGE;
import static dev.upcycle.convert.Conversions.VISION;
import static dev.upcycle.convert.Conversions.bytes;
import static dev.upcycle.convert.Conversions.recipe;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.write.CheckpointWriter;
import dev.upcycle.densify.DensePlan;
import dev.upcycle.densify.Densifier;
import dev.upcycle.densify.ExpertChoice;
import dev.upcycle.function.FunctionReport;
import dev.upcycle.function.FunctionVerifier;
import dev.upcycle.kernels.tensor.Gradients;
import dev.upcycle.kernels.tensor.TensorScope;
import dev.upcycle.kernels.tensor.Tensors;
import dev.upcycle.model.EditedModel;
import dev.upcycle.model.ForwardPass;
import dev.upcycle.model.LlavaModel;
import dev.upcycle.model.ModelOptions;
import dev.upcycle.plan.Consumer;
import dev.upcycle.plan.DenseSource;
import dev.upcycle.plan.Planner;
import dev.upcycle.recipe.Part;
import dev.upcycle.recipe.RecipeException;
import dev.upcycle.recipe.ResolvedRecipe;
import dev.upcycle.sample.TinyModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/// LLaVAs whose connectors are any number of linear layers.
class ConnectorDepthTest {
  private static final String PROJECTOR = "model.mm_projector.";

  @TempDir private Path folder;

  /// How a dense model comes.
  enum Form {
    FOLDER,
    PARTS
  }

  /// A LLaVA under LLaVA's own names; each layer of its connector has weights of its own.
  ///
  /// @param type such as `mlp3x_gelu` or `linear`
  private Path own(String type) throws IOException {
    Path tiny = folder.resolve("tiny");
    TinyModel.write(recipe(VISION).recipe(), tiny);
    Checkpoint dense = Checkpoint.open(tiny);
    EditedModel model =
        EditedModel.of(dense)
            .renamedStarts("language_model.", "")
            .renamedStarts("vision_tower.", "model.vision_tower.");
    for (String name : model.names()) {
      if (name.contains("post_layernorm")) {
        model.without(name);
      }
    }
    int depth = depth(type);
    for (String kind : List.of("weight", "bias")) {
      model.renamed(
          "multi_modal_projector.linear_1." + kind,
          PROJECTOR + (type.equals("linear") ? "" : "0.") + kind);
      for (int layer = 1; layer < depth; layer++) {
        String from =
            "model.vision_tower.vision_model.encoder.layers.%d.self_attn.%s_proj.%s"
                .formatted(layer % 2, layer < 2 ? "q" : "out", kind);
        model.copied(from, PROJECTOR + 2 * layer + "." + kind);
      }
      model.without("multi_modal_projector.linear_2." + kind);
    }
    ObjectNode before = dense.config().json();
    ((ObjectNode) before.path("text_config"))
        .properties()
        .forEach(one -> model.config(one.getKey(), one.getValue().toString()));
    model.config("text_config", "null").config("image_token_index", "null");
    return model
        .config("model_type", "\"llava_mistral\"")
        .config("mm_projector_type", "\"" + type + "\"")
        .config("mm_vision_tower", "\"openai/clip-vit-large-patch14-336\"")
        .config("mm_hidden_size", "64")
        .write(folder.resolve("own"))
        .directory();
  }

  private static int depth(String type) {
    return type.equals("linear") ? 1 : type.charAt(3) - '0';
  }

  /// Only the connector's tensors, in a file with nothing beside it.
  private Path connector(Path own) throws IOException {
    EditedModel model = EditedModel.of(Checkpoint.open(own));
    model.names().stream().filter(name -> !name.startsWith(PROJECTOR)).forEach(model::without);
    Path alone = model.write(folder.resolve("connector")).directory();
    Files.delete(alone.resolve("config.json"));
    return alone.resolve("model.safetensors");
  }

  private Checkpoint source(String type, Form form) throws IOException {
    Path own = own(type);
    return switch (form) {
      case FOLDER -> Checkpoint.open(own);
      case PARTS ->
          DenseSource.assemble(
              Map.of(
                  Part.LANGUAGE,
                  own,
                  Part.VISION,
                  folder.resolve("tiny"),
                  Part.CONNECTOR,
                  connector(own)));
    };
  }

  private Checkpoint convert(Checkpoint source, ResolvedRecipe recipe) {
    PlanExecutor.run(
        Planner.plan(source, recipe),
        source,
        new PlanExecutor.Options(folder.resolve("moe"), CheckpointWriter.Mode.FRESH, 2),
        Progress.SILENT);
    return Checkpoint.open(folder.resolve("moe"));
  }

  private Checkpoint densified(Checkpoint moe) {
    Path again = folder.resolve("again");
    Densifier.run(
        DensePlan.of(moe),
        new ExpertChoice.Shared(),
        new Densifier.Options(again, CheckpointWriter.Mode.FRESH, 1L << 40, 1),
        Densifier.Meters.SILENT);
    return Checkpoint.open(again);
  }

  private static void keepsTheFunction(Checkpoint source, Checkpoint moe)
      throws InterruptedException {
    FunctionReport report =
        FunctionVerifier.verify(
            source,
            moe,
            new FunctionVerifier.Question(FunctionVerifier.Expectation.CONVERTED, List.of()),
            (done, total) -> {});
    assertThat(report.whyNotJudged()).isEmpty();
    assertThat(report.failures()).isEmpty();
    assertThat(report.findControl())
        .hasValueSatisfying(
            control -> assertThat(control.error()).isGreaterThan(100 * report.bound()));
  }

  private void comesBack(Checkpoint source, Checkpoint moe) {
    Checkpoint again = densified(moe);
    assertThat(again.tensors().keySet())
        .containsExactlyInAnyOrderElementsOf(
            // CuMo's tower has no norm behind its last layer.
            source.tensors().keySet().stream()
                .filter(name -> !name.contains("post_layernorm"))
                .toList())
        .allSatisfy(name -> assertThat(bytes(again, name)).isEqualTo(bytes(source, name)));
    assertThat(again.config().json().path("mm_projector_type"))
        .isEqualTo(source.config().json().path("mm_projector_type"));
  }

  @ParameterizedTest
  @CsvSource({
    "linear, FOLDER",
    "linear, PARTS",
    "mlp1x_gelu, FOLDER",
    "mlp1x_gelu, PARTS",
    "mlp2x_gelu, FOLDER",
    "mlp3x_gelu, FOLDER",
    "mlp3x_gelu, PARTS",
    "mlp4x_gelu, FOLDER",
  })
  void aDenseConnectorComesOutByteForByteBesidePartsWithExperts(String type, Form form)
      throws IOException, InterruptedException {
    Checkpoint source = source(type, form);
    Checkpoint moe = convert(source, recipe(VISION + LANGUAGE, "target=cumo"));

    Checkpoint own = Checkpoint.open(folder.resolve("own"));
    List<String> names =
        own.tensors().keySet().stream().filter(name -> name.startsWith(PROJECTOR)).toList();
    assertThat(names).hasSize(2 * depth(type));
    assertThat(moe.tensors().keySet().stream().filter(name -> name.startsWith(PROJECTOR)))
        .containsExactlyInAnyOrderElementsOf(names);
    assertThat(names).allSatisfy(name -> assertThat(bytes(moe, name)).isEqualTo(bytes(own, name)));
    assertThat(moe.config().findString("mm_projector_type")).contains(type);
    assertThat(Conversions.verifyOpened(source, moe).failures()).isEmpty();
    keepsTheFunction(source, moe);
    comesBack(source, moe);
  }

  @ParameterizedTest
  @CsvSource({"mlp2x_gelu, FOLDER", "mlp3x_gelu, FOLDER", "mlp3x_gelu, PARTS", "mlp4x_gelu, PARTS"})
  void eachExpertOfAConnectorHasAllItsLayers(String type, Form form)
      throws IOException, InterruptedException {
    Checkpoint source = source(type, form);
    Checkpoint moe = convert(source, recipe(VISION + CONNECTOR, "target=cumo"));

    Checkpoint own = Checkpoint.open(folder.resolve("own"));
    for (int layer = 0; layer < depth(type); layer++) {
      for (int expert = 0; expert < 4; expert++) {
        for (String kind : List.of(".weight", ".bias")) {
          assertThat(bytes(moe, PROJECTOR + "experts." + expert + "." + 2 * layer + kind))
              .isEqualTo(bytes(own, PROJECTOR + 2 * layer + kind));
        }
      }
    }
    assertThat(moe.tensors().keySet().stream().filter(name -> name.startsWith(PROJECTOR)))
        .hasSize(1 + 4 * 2 * depth(type));
    assertThat(Conversions.verifyOpened(source, moe).failures()).isEmpty();
    keepsTheFunction(source, moe);
    comesBack(source, moe);
  }

  @ParameterizedTest
  @ValueSource(strings = {"linear", "mlp3x_gelu"})
  void aModelRunsAsItStands(String type) throws IOException {
    try (LlavaModel model = LlavaModel.open(Checkpoint.open(own(type)), ModelOptions.cpu());
        TensorScope _ = TensorScope.open();
        Gradients.Pause _ = Gradients.pause()) {
      assertThat(model.connector().parameters()).hasSize(2 * depth(type));
      long places = model.placesPerImage();
      long[] ids = new long[Math.toIntExact(places)];
      Arrays.fill(ids, model.imageToken());
      float[] logits =
          model
              .forward(
                  Tensors.of(ids).unsqueeze(0),
                  Tensors.normal(1, 1, 3, 28, 28),
                  ForwardPass.plain())
              .logits()
              .toFloats();
      assertThat(logits).doesNotContain(Float.NaN);
    }
  }

  @ParameterizedTest
  @EnumSource(Form.class)
  void expertsOfOneLayerAreRefused(Form form) throws IOException {
    Checkpoint source = source("linear", form);
    assertThatThrownBy(() -> Planner.plan(source, recipe(CONNECTOR, "target=cumo")))
        .isInstanceOf(RecipeException.class)
        .hasMessageContaining("the connector is one linear layer, and experts are networks of two");
  }

  @ParameterizedTest
  @CsvSource({"linear, llava, 1", "mlp3x_gelu, llava_moe, 3"})
  void aFormOfTwoLayersIsRefusedNamingOneThatHoldsMore(String type, String target, int depth)
      throws IOException {
    Checkpoint source = source(type, Form.FOLDER);
    assertThatThrownBy(() -> Planner.plan(source, recipe(LANGUAGE, "target=" + target)))
        .isInstanceOf(RecipeException.class)
        .hasMessageContaining(
            "the connector has %d linear layers, %s with it has 2; choose target cumo"
                .formatted(depth, target));
  }

  @Test
  void autoChoosesTheFormThatHoldsTheConnector() throws IOException {
    Checkpoint source = source("mlp3x_gelu", Form.PARTS);
    assertThat(Planner.plan(source, recipe(LANGUAGE)).targetConfig().modelType())
        .isEqualTo("llava_mixtral");
  }

  @Test
  void thePlanSaysThatCumoHasNoExpertsOfThreeLayers() throws IOException {
    Checkpoint source = source("mlp3x_gelu", Form.FOLDER);
    assertThat(Planner.plan(source, recipe(CONNECTOR, "target=cumo")).consumers())
        .filteredOn(consumer -> consumer.name().equals("CuMo"))
        .singleElement()
        .satisfies(consumer -> {
          assertThat(consumer.loads()).isEqualTo(Consumer.Loads.NO);
          assertThat(consumer.reason())
              .contains("its MLPMoE has 2 linear layers, this connector 3");
        });
    assertThat(Planner.plan(source, recipe(LANGUAGE, "target=cumo")).consumers())
        .filteredOn(consumer -> consumer.name().equals("CuMo"))
        .extracting(Consumer::loads)
        .containsExactly(Consumer.Loads.YES);
  }

  @Test
  void aConnectorOfAnUnknownKindIsRefusedNamingWhatIsKnown() throws IOException {
    Path own = own("mlp3x_gelu");
    Conversions.edit(own, "mm_projector_type", JsonNodeFactory.instance.stringNode("resampler"));
    assertThatThrownBy(() -> Planner.plan(Checkpoint.open(own), recipe(LANGUAGE, "target=cumo")))
        .isInstanceOf(CheckpointFormatException.class)
        .hasMessageContaining("linear, mlp2x_gelu or another depth of that form, smoe_mlp");
  }
}
