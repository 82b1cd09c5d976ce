package dev.upcycle.convert;

import static dev.upcycle.convert.Conversions.bytes;
import static dev.upcycle.convert.Conversions.verify;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.write.CheckpointWriter;
import dev.upcycle.densify.DensePlan;
import dev.upcycle.densify.Densifier;
import dev.upcycle.densify.ExpertChoice;
import dev.upcycle.dialect.Sources;
import dev.upcycle.plan.Consumer;
import dev.upcycle.plan.Planner;
import dev.upcycle.plan.UpcyclePlan;
import dev.upcycle.recipe.RecipeException;
import dev.upcycle.recipe.Recipes;
import dev.upcycle.recipe.ResolvedRecipe;
import dev.upcycle.recipe.Setting;
import dev.upcycle.sample.TinyModel;
import dev.upcycle.verify.VerifyReport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// An image tower or a connector alone under the names that CuMo's code gives them.
class CumoPartsTest {
  @TempDir Path folder;

  private static String withoutNorm(String name) {
    return name.contains("post_layernorm") ? "" : name;
  }

  private static String asLlavaHasIt(String name) {
    return "model.mm_projector." + name.replace("linear_1.", "0.").replace("linear_2.", "2.");
  }

  private static ResolvedRecipe recipe(String name, String... sets) {
    return Recipes.resolve(
        Recipes.text(name, Path.of("")),
        Arrays.stream(sets).map(Setting::parse).toList(),
        Map.of());
  }

  private Path dense(String recipe) {
    Path dense = folder.resolve("dense-" + recipe);
    TinyModel.write(recipe(recipe).recipe(), dense);
    return dense;
  }

  private Path renamed(Path dense, UnaryOperator<String> names) throws IOException {
    Path out = folder.resolve("renamed");
    RenamedModel.write(dense, out, names);
    return out;
  }

  private Checkpoint cumo(Path dense, String recipe) {
    Checkpoint source = Sources.open(dense);
    Path out = folder.resolve("moe");
    PlanExecutor.run(
        Planner.plan(source, recipe(recipe, "target=cumo")),
        source,
        new PlanExecutor.Options(out, CheckpointWriter.Mode.FRESH, 2),
        Progress.SILENT);
    return Checkpoint.open(out);
  }

  @Test
  void aTowerHasTheNamesOfClipBin() {
    Path dense = dense("clip-vit-4x2");
    Checkpoint moe = cumo(dense, "clip-vit-4x2");

    assertThat(moe.tensors().keySet())
        .contains(
            "vision_model.encoder.layers.1.gate.weight",
            "vision_model.encoder.layers.0.experts.3.fc2.bias",
            "vision_model.pre_layrnorm.weight")
        .noneMatch(name -> name.contains("post_layernorm") || name.contains(".mlp."));
    assertThat(bytes(moe, "vision_model.encoder.layers.1.experts.2.fc1.weight"))
        .isEqualTo(bytes(Checkpoint.open(dense), "vision_model.encoder.layers.1.mlp.fc1.weight"));
    assertThat(verify(Optional.of(dense), moe).failures()).isEmpty();
    assertThat(verify(Optional.empty(), moe).failures()).isEmpty();
  }

  @Test
  void aConnectorHasTheNamesOfMmProjectorBin() throws IOException {
    Path dense = renamed(dense("connector-4x2"), CumoPartsTest::asLlavaHasIt);
    Checkpoint moe = cumo(dense, "connector-4x2");

    assertThat(moe.tensors().keySet())
        .hasSize(1 + 4 * 4)
        .contains("mm_projector.gate.weight", "mm_projector.experts.3.2.bias");
    assertThat(bytes(moe, "mm_projector.experts.1.0.weight"))
        .isEqualTo(bytes(Checkpoint.open(dense), "model.mm_projector.0.weight"));
    assertThat(verify(Optional.of(dense), moe).failures()).isEmpty();
    assertThat(verify(Optional.empty(), moe).failures()).isEmpty();
  }

  @Test
  void aChangedExpertOfAConnectorIsCaught() throws IOException {
    Path dense = dense("connector-4x2");
    Checkpoint moe = cumo(dense, "connector-4x2");
    Path swapped = folder.resolve("swapped");
    RenamedModel.write(
        moe.directory(),
        swapped,
        name ->
            name.equals("mm_projector.experts.1.0.bias")
                ? "mm_projector.experts.1.2.bias"
                : name.equals("mm_projector.experts.1.2.bias")
                    ? "mm_projector.experts.1.0.bias"
                    : name);
    for (String file : List.of("upcycle.json", "recipe.yaml", "README.md")) {
      Files.copy(moe.directory().resolve(file), swapped.resolve(file));
    }
    assertThat(verify(Optional.of(dense), Checkpoint.open(swapped)).failures())
        .extracting(VerifyReport.Failure::tensor)
        .contains("mm_projector.experts.1.0.bias", "mm_projector.experts.1.2.bias");
  }

  @Test
  void aConnectorComesBackByteForByte() throws IOException {
    Path dense = renamed(dense("connector-4x2"), CumoPartsTest::asLlavaHasIt);
    Path again = folder.resolve("again");
    Densifier.run(
        DensePlan.of(cumo(dense, "connector-4x2")),
        new ExpertChoice.Shared(),
        new Densifier.Options(again, CheckpointWriter.Mode.FRESH, 1L << 40, 1),
        Densifier.Meters.SILENT);
    assertThat(again.resolve("model.safetensors"))
        .hasSameBinaryContentAs(dense.resolve("model.safetensors"));
  }

  @Test
  void aTowerWithoutItsLastNormIsReadAsCumos() throws IOException {
    Path clip = renamed(dense("clip-vit-4x2"), CumoPartsTest::withoutNorm);
    Checkpoint source = Sources.open(clip);

    assertThat(source.config().modelType()).isEqualTo("cumo_vision");
    assertThat(source.notes()).anyMatch(note -> note.contains("no norm behind its last layer"));
    Checkpoint moe = cumo(clip, "clip-vit-4x2");
    assertThat(moe.config().modelType()).isEqualTo("cumo_moe_vision");
    assertThat(Conversions.verifyOpened(source, moe).failures()).isEmpty();
  }

  @Test
  void aTowerThatLacksMoreIsNotTakenForCumos() throws IOException {
    Path clip =
        renamed(
            dense("clip-vit-4x2"),
            name -> name.contains("layer_norm1.bias") ? "" : withoutNorm(name));
    assertThat(Sources.open(clip).config().modelType()).isEqualTo("clip_vision_model");
  }

  @Test
  void aTowerMustBeSparseInEveryLayer() {
    Path dense = dense("clip-vit-4x2");
    ResolvedRecipe recipe = recipe("clip-vit-4x2", "target=cumo", "vision.layers={except_last: 1}");
    assertThatThrownBy(() -> Planner.plan(Checkpoint.open(dense), recipe))
        .isInstanceOf(RecipeException.class)
        .hasMessageContaining("cumo makes every layer sparse");
  }

  @Test
  void aWholeClipIsToldToNameItsTower() {
    Path dense = dense("clip-up-b16");
    assertThatThrownBy(
            () -> Planner.plan(Checkpoint.open(dense), recipe("clip-vit-4x2", "target=cumo")))
        .hasMessageContaining("a clip cannot become cumo here")
        .hasMessageContaining("its vision alone can: --model vision=DIR");
  }

  @Test
  void thePlanSaysThatCumosScriptsReadDenseFilesOnly() {
    UpcyclePlan plan =
        Planner.plan(
            Checkpoint.open(dense("connector-4x2")), recipe("connector-4x2", "target=cumo"));
    assertThat(plan.consumers().getFirst())
        .satisfies(cumo -> {
          assertThat(cumo.loads()).isEqualTo(Consumer.Loads.WITH_LIMITS);
          assertThat(cumo.reason()).contains("load_state_dict", "--pretrain_mm_mlp_adapter");
        });
  }

  @Test
  void anUnfitConnectorIsNamedByWhatIsWrong() throws IOException {
    Path dense = dense("connector-4x2");
    Path file =
        renamed(dense, name -> name.equals("linear_2.bias") ? "" : asLlavaHasIt(name))
            .resolve("model.safetensors");
    Files.delete(file.resolveSibling("config.json"));
    assertThatThrownBy(() -> Sources.open(file))
        .isInstanceOf(CheckpointFormatException.class)
        .hasMessageContaining("model.mm_projector.2.bias is missing, though other layers");
  }

  @Test
  void oneLinearLayerHasNothingToUpcycle() throws IOException {
    Path file =
        renamed(dense("connector-4x2"), name -> name.contains("linear_1") ? name : "")
            .resolve("model.safetensors");
    Files.delete(file.resolveSibling("config.json"));
    assertThatThrownBy(() -> Planner.plan(Sources.open(file), recipe("connector-4x2")))
        .isInstanceOf(RecipeException.class)
        .hasMessageContaining("the connector is one linear layer")
        .satisfies(refusal -> assertThat(((RecipeException) refusal).complaints()).hasSize(1));
  }
}
