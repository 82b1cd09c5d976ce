package dev.upcycle.convert;

import static dev.upcycle.convert.Conversions.CONNECTOR;
import static dev.upcycle.convert.Conversions.VISION;
import static dev.upcycle.convert.Conversions.bytes;
import static dev.upcycle.convert.Conversions.recipe;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.arch.ConnectorShapes;
import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.checkpoint.Shape;
import dev.upcycle.checkpoint.write.CheckpointWriter;
import dev.upcycle.dialect.Sources;
import dev.upcycle.plan.DenseSource;
import dev.upcycle.plan.MissingPartsException;
import dev.upcycle.plan.Planner;
import dev.upcycle.recipe.Part;
import dev.upcycle.recipe.Recipes;
import dev.upcycle.recipe.ResolvedRecipe;
import dev.upcycle.sample.TinyModel;
import dev.upcycle.verify.Verifier;
import dev.upcycle.verify.VerifyReport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.node.ObjectNode;

/// A LLaVA put together from parts that lie apart.
class AssembledTest {
  private static final ResolvedRecipe TWO_SCALES =
      recipe(VISION + CONNECTOR, "vision.scales=[1, 3]");

  @TempDir Path folder;

  private Map<Part, Path> parts = Map.of();

  @BeforeEach
  void takeAModelApart() throws IOException {
    Path whole = folder.resolve("whole");
    TinyModel.write(TWO_SCALES.recipe(), whole);
    ObjectNode config = Checkpoint.open(whole).config().json();
    Path vision = part(whole, "vision_tower.", (ObjectNode) config.path("vision_config"));
    Path language = part(whole, "language_model.", (ObjectNode) config.path("text_config"));
    Path connector = folder.resolve("connector");
    RenamedModel.write(
        whole,
        connector,
        name ->
            name.startsWith("multi_modal_projector.")
                ? name.replace("multi_modal_projector.linear_1", "model.mm_projector.0")
                    .replace("multi_modal_projector.linear_2", "model.mm_projector.2")
                : "");
    Files.delete(connector.resolve("config.json"));
    parts =
        Map.of(
            Part.VISION,
            vision,
            Part.LANGUAGE,
            language,
            Part.CONNECTOR,
            connector.resolve("model.safetensors"));
  }

  private Path part(Path whole, String prefix, ObjectNode config) throws IOException {
    Path out = folder.resolve(prefix + "part");
    RenamedModel.write(
        whole, out, name -> name.startsWith(prefix) ? name.substring(prefix.length()) : "");
    Files.write(out.resolve("config.json"), ModelConfig.of(config).toJson());
    return out;
  }

  private Path at(Part part) {
    return Objects.requireNonNull(parts.get(part));
  }

  private Checkpoint convert(Checkpoint source) {
    Path out = folder.resolve("moe");
    PlanExecutor.run(
        Planner.plan(source, TWO_SCALES),
        source,
        new PlanExecutor.Options(out, CheckpointWriter.Mode.FRESH, 2),
        Progress.SILENT);
    return Checkpoint.open(out);
  }

  private static List<VerifyReport.Failure> failures(Checkpoint source, Checkpoint target) {
    return Verifier.verifyOpened(
            Optional.of(source),
            target.directory(),
            Verifier.Expectation.CONVERTED,
            Progress.SILENT)
        .failures();
  }

  @Test
  void partsBecomeWhatTheWholeBecomes() {
    Checkpoint source = DenseSource.assemble(parts);
    Checkpoint target = convert(source);
    Checkpoint whole =
        Conversions.convert(folder.resolve("whole"), TWO_SCALES, folder.resolve("of-whole"));

    assertThat(failures(source, target)).isEmpty();
    assertThat(target.tensors().keySet())
        .isEqualTo(whole.tensors().keySet())
        .allSatisfy(name -> assertThat(bytes(target, name)).isEqualTo(bytes(whole, name)));
    assertThat(target.config().modelType()).isEqualTo("llava_mistral");
  }

  @Test
  void theManifestSaysOfEveryFileWhichPartItIs() {
    Checkpoint target = convert(DenseSource.assemble(parts));
    assertThat(Manifest.read(target.directory()).sourceFiles())
        .extracting(Manifest.SourceShard::name)
        .containsExactly(
            "language/model.safetensors",
            "vision/model.safetensors",
            "connector/model.safetensors");
  }

  @Test
  void anotherPartIsNoticed() throws IOException {
    Checkpoint target = convert(DenseSource.assemble(parts));
    Path other = folder.resolve("other");
    RenamedModel.write(
        at(Part.VISION),
        other,
        name -> name.replace("layers.0.", "layers.9.").replace("layers.1.", "layers.0."));
    Path last = folder.resolve("last");
    RenamedModel.write(other, last, name -> name.replace("layers.9.", "layers.1."));
    Map<Part, Path> changed = new HashMap<>(parts);
    changed.put(Part.VISION, last);
    assertThat(failures(DenseSource.assemble(changed), target))
        .extracting(VerifyReport.Failure::tensor)
        .contains("model.vision_tower.vision_model.encoder.layers.0.experts.0.fc1.weight");
  }

  @ParameterizedTest
  @ValueSource(strings = {"LANGUAGE", "VISION", "CONNECTOR"})
  void aMissingPartIsNamed(String missing) {
    Map<Part, Path> fewer = new HashMap<>(parts);
    fewer.remove(Part.valueOf(missing));
    String key = Part.valueOf(missing).key();
    assertThatThrownBy(() -> DenseSource.assemble(fewer))
        .isInstanceOf(MissingPartsException.class)
        .hasMessageContaining("not in the directory given: " + key)
        .hasMessageContaining("--model " + key + "=PATH");
  }

  @Test
  void onePartIsTakenOutOfWhatHoldsIt() {
    Path whole = folder.resolve("whole");
    Checkpoint tower = DenseSource.assemble(Map.of(Part.VISION, whole));
    Checkpoint decoder = DenseSource.assemble(Map.of(Part.LANGUAGE, whole));

    assertThat(tower.config().modelType()).isEqualTo("clip_vision_model");
    assertThat(tower.config().dtype()).isEqualTo(Checkpoint.open(whole).config().dtype());
    assertThat(tower.tensors().keySet())
        .isEqualTo(Checkpoint.open(at(Part.VISION)).tensors().keySet());
    assertThat(decoder.config().modelType()).isEqualTo("mistral");
    assertThat(decoder.tensors().keySet())
        .contains("lm_head.weight", "model.layers.1.mlp.up_proj.weight");
  }

  @Test
  void aPartThatIsAllOfItsModelStaysAsItIs() {
    Checkpoint tower = DenseSource.assemble(Map.of(Part.VISION, at(Part.VISION)));
    assertThat(tower.files()).isEqualTo(Checkpoint.open(at(Part.VISION)).files());
    assertThat(tower.label(tower.files().getFirst())).isEqualTo("model.safetensors");
  }

  @Test
  void partsThatWereNotTrainedTogetherAreRefused() throws IOException {
    ObjectNode narrow = Checkpoint.open(at(Part.VISION)).config().json();
    narrow.put("hidden_size", 48);
    Files.write(at(Part.VISION).resolve("config.json"), ModelConfig.of(narrow).toJson());
    assertThatThrownBy(() -> DenseSource.assemble(parts))
        .isInstanceOf(CheckpointFormatException.class)
        .hasMessageContaining("the connector has 2 linear layers from 128 to 64")
        .hasMessageContaining("the tower's 48");
  }

  @Test
  void aConnectorAloneNeedsNoConfigBesideIt() {
    ResolvedRecipe alone =
        Recipes.resolve(Recipes.text("connector-4x2", folder), List.of(), Map.of());
    Checkpoint source = Sources.open(at(Part.CONNECTOR));
    assertThat(source.config().json().path("input_size").asInt()).isEqualTo(128);
    Path out = folder.resolve("alone");
    PlanExecutor.run(
        Planner.plan(source, alone),
        source,
        new PlanExecutor.Options(out, CheckpointWriter.Mode.FRESH, 1),
        Progress.SILENT);
    Checkpoint target = Checkpoint.open(out);
    assertThat(target.require("gate.weight").shape()).hasToString("[4, 128]");
    assertThat(failures(source, target)).isEmpty();
  }

  @Test
  void shapesSayHowDeepAConnectorIs() {
    Map<String, Shape> shapes = new HashMap<>();
    shapes.put("mm_projector.0.weight", new Shape(List.of(6L, 8L)));
    shapes.put("mm_projector.2.weight", new Shape(List.of(6L, 6L)));
    shapes.put("mm_projector.4.weight", new Shape(List.of(6L, 6L)));
    ObjectNode json = ConnectorShapes.find(shapes).orElseThrow().json();
    assertThat(json.path("depth").asInt()).isEqualTo(3);
    assertThat(json.path("bias").asBoolean(true)).isFalse();

    shapes.put("mm_projector.4.weight", new Shape(List.of(6L, 7L)));
    assertThat(ConnectorShapes.find(shapes)).isEmpty();
    shapes.remove("mm_projector.2.weight");
    assertThat(ConnectorShapes.find(shapes)).isEmpty();
  }
}
