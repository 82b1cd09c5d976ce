package dev.upcycle.densify;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.TensorEntry;
import dev.upcycle.checkpoint.write.CheckpointWriter;
import dev.upcycle.convert.Manifest;
import dev.upcycle.convert.PlanExecutor;
import dev.upcycle.convert.Progress;
import dev.upcycle.dialect.Sources;
import dev.upcycle.plan.Planner;
import dev.upcycle.recipe.Recipes;
import dev.upcycle.recipe.ResolvedRecipe;
import dev.upcycle.recipe.Setting;
import dev.upcycle.sample.TinyModel;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

class DensifierTest {
  private static final String EXPERT = "model.layers.1.block_sparse_moe.experts.%d.w1.weight";
  private static final String DENSE = "model.layers.1.mlp.gate_proj.weight";

  @TempDir Path folder;

  private static ResolvedRecipe recipe(String name, String... sets) {
    return Recipes.resolve(
        Recipes.text(name, Path.of("")),
        Arrays.stream(sets).map(Setting::parse).toList(),
        Map.of());
  }

  private Path dense(ResolvedRecipe recipe) {
    Path dense = folder.resolve("dense");
    TinyModel.write(recipe.recipe(), dense);
    return dense;
  }

  private Path converted(ResolvedRecipe recipe) {
    Checkpoint source = Checkpoint.open(dense(recipe));
    Path out = folder.resolve("experts");
    PlanExecutor.run(
        Planner.plan(source, recipe),
        source,
        new PlanExecutor.Options(out, CheckpointWriter.Mode.FRESH, 2),
        Progress.SILENT);
    return out;
  }

  private Path densified(Path model, ExpertChoice choice) {
    Path out = folder.resolve("again");
    Densifier.run(
        DensePlan.of(Sources.open(model)),
        choice,
        new Densifier.Options(out, CheckpointWriter.Mode.FRESH, 1L << 40, 2),
        Densifier.Meters.SILENT);
    return out;
  }

  private static byte[] bytes(Checkpoint checkpoint, String name) {
    try (Arena arena = Arena.ofConfined()) {
      return checkpoint.map(checkpoint.require(name), arena).toArray(ValueLayout.JAVA_BYTE);
    }
  }

  private static float[] floats(Path model, String name) {
    ByteBuffer bytes =
        ByteBuffer.wrap(bytes(Checkpoint.open(model), name)).order(ByteOrder.LITTLE_ENDIAN);
    float[] floats = new float[bytes.remaining() / Float.BYTES];
    bytes.asFloatBuffer().get(floats);
    return floats;
  }

  private static void train(Path model, String name, float value) throws IOException {
    TensorEntry entry = Checkpoint.open(model).require(name);
    ByteBuffer four = ByteBuffer.allocate(Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    four.putFloat(value).flip();
    try (FileChannel channel = FileChannel.open(entry.file(), StandardOpenOption.WRITE)) {
      channel.write(four, entry.offset());
    }
  }

  private static void edit(Path model, Consumer<ObjectNode> change) throws IOException {
    Path file = model.resolve(Manifest.FILE_NAME);
    ObjectNode json = (ObjectNode) JsonMapper.shared().readTree(Files.readAllBytes(file));
    change.accept(json);
    Files.writeString(file, json.toString());
  }

  static Stream<String> shippedRecipes() {
    return Recipes.shipped().stream();
  }

  @ParameterizedTest
  @MethodSource("shippedRecipes")
  void everyShippedConversionGoesBackByteForByte(String name) throws IOException {
    Path experts = converted(recipe(name));

    Checkpoint again = Checkpoint.open(densified(experts, new ExpertChoice.Shared()));

    Checkpoint dense = Checkpoint.open(folder.resolve("dense"));
    List<String> leftOut =
        Manifest.read(experts).discarded().stream().map(Manifest.LeftOut::name).toList();
    assertThat(leftOut).allMatch(tensor -> tensor.contains("post_layernorm"));
    List<String> kept = new ArrayList<>(dense.tensors().keySet());
    kept.removeAll(leftOut);
    assertThat(again.tensors().keySet()).containsExactlyInAnyOrderElementsOf(kept);
    for (String tensor : kept) {
      assertThat(again.require(tensor).spec()).isEqualTo(dense.require(tensor).spec());
      assertThat(bytes(again, tensor)).as(tensor).isEqualTo(bytes(dense, tensor));
    }
    assertThat(again.config().toJson()).isEqualTo(dense.config().toJson());
  }

  @Test
  void ofAConvertedModelsOwnFilesNoneGoesAlong() throws IOException {
    Path experts = converted(recipe("clip-vit-4x2"));
    Files.writeString(experts.resolve("preprocessor_config.json"), "{}");

    Path again = densified(experts, new ExpertChoice.Shared());

    try (Stream<Path> files = Files.list(again)) {
      assertThat(files.map(file -> file.getFileName().toString()))
          .containsExactlyInAnyOrder(
              "config.json", "model.safetensors", "preprocessor_config.json");
    }
  }

  @Test
  void theConfigNamesTheTypeThatTheWeightsWereRoundedTo() {
    Path experts = converted(recipe("mistral-4x2", "output.dtype=bf16"));

    Checkpoint again = Checkpoint.open(densified(experts, new ExpertChoice.Shared()));

    assertThat(again.config().dtype().orElseThrow().name()).isEqualTo("BF16");
    assertThat(again.require(DENSE).dtype().name()).isEqualTo("BF16");
  }

  @Test
  void trainedExpertsAreRefusedAndNothingIsWritten() throws IOException {
    Path experts = converted(recipe("mistral-4x2"));
    train(experts, EXPERT.formatted(2), 7f);

    assertThatThrownBy(() -> densified(experts, new ExpertChoice.Shared()))
        .isInstanceOf(DensifyException.class)
        .hasMessageContaining(EXPERT.formatted(2))
        .hasMessageContaining(DENSE)
        .hasMessageContaining("element [0, 0]")
        .hasMessageContaining("--expert N");

    assertThat(folder.resolve("again")).doesNotExist();
    assertThat(folder.resolve("again.partial")).doesNotExist();
  }

  @Test
  void oneExpertIsTaken() throws IOException {
    Path experts = converted(recipe("mistral-4x2", "output.dtype=f32"));
    float untouched = floats(experts, EXPERT.formatted(0))[0];
    train(experts, EXPERT.formatted(2), 7f);

    Path again = densified(experts, new ExpertChoice.One(2));

    assertThat(floats(again, DENSE)[0]).isEqualTo(7f).isNotEqualTo(untouched);
  }

  @Test
  void theMeanOfAllExpertsIsRoundedOnce() throws IOException {
    Path experts = converted(recipe("mistral-4x2", "output.dtype=f32"));
    float[] values = {1e8f, 1f, -1e8f, 3f};
    for (int expert = 0; expert < values.length; expert++) {
      train(experts, EXPERT.formatted(expert), values[expert]);
    }
    float[] first = floats(experts, EXPERT.formatted(0));

    float[] mean = floats(densified(experts, new ExpertChoice.Mean()), DENSE);

    assertThat(mean[0]).isEqualTo(1f); // a float32 sum would lose the 1 and give 0.75
    assertThat(Arrays.copyOfRange(mean, 1, mean.length))
        .isEqualTo(Arrays.copyOfRange(first, 1, first.length));
  }

  @Test
  void anExpertThatDoesNotExistIsRefused() {
    Path experts = converted(recipe("mistral-4x2"));

    assertThatThrownBy(() -> densified(experts, new ExpertChoice.One(4)))
        .isInstanceOf(DensifyException.class)
        .hasMessageContaining("--expert 4")
        .hasMessageContaining("choose 0 to 3");
  }

  @Test
  void aTensorThatTheManifestDoesNotTellOfIsRefused() throws IOException {
    Path experts = converted(recipe("mistral-4x2"));
    edit(experts, json -> json.withArray("tensors").remove(0));

    assertThatThrownBy(() -> densified(experts, new ExpertChoice.Shared()))
        .isInstanceOf(DensifyException.class)
        .hasMessageContaining("does not say where it comes from");
  }

  @Test
  void aManifestWithoutTheDenseConfigIsRefused() throws IOException {
    Path experts = converted(recipe("mistral-4x2"));
    edit(experts, json -> json.remove("source_config"));

    assertThatThrownBy(() -> densified(experts, new ExpertChoice.Shared()))
        .isInstanceOf(DensifyException.class)
        .hasMessageContaining("convert again");
  }

  @Test
  void aModelThatWasNotConvertedIsRefused() {
    Path dense = dense(recipe("mistral-4x2"));

    assertThatThrownBy(() -> densified(dense, new ExpertChoice.Shared()))
        .isInstanceOf(CheckpointFormatException.class)
        .hasMessageContaining(Manifest.FILE_NAME);
  }

  @Test
  void copiesOutsideTheExpertsMustAgreeWhicheverExpertIsTaken() throws IOException {
    Path experts = converted(recipe("mistral-4x2"));
    edit(
        experts,
        json ->
            json.withArray("tensors")
                .forEach(row -> {
                  if (row.path("name").asString().endsWith("layers.1.input_layernorm.weight")) {
                    ((ObjectNode) row).put("from", "model.layers.0.input_layernorm.weight");
                  }
                }));
    train(experts, "model.layers.1.input_layernorm.weight", 7f);

    assertThatThrownBy(() -> densified(experts, new ExpertChoice.One(0)))
        .isInstanceOf(DensifyException.class)
        .hasMessageContaining("a dense model cannot hold both");
  }

  @Test
  void theBytesDoNotDependOnTheNumberOfThreads() {
    Path experts = converted(recipe("mistral-4x2"));
    DensePlan plan = DensePlan.of(Checkpoint.open(experts));
    List<byte[]> results =
        Stream.of(1, 3)
            .map(threads -> {
              Path out = folder.resolve("with-" + threads);
              Densifier.run(
                  plan,
                  new ExpertChoice.Mean(),
                  new Densifier.Options(out, CheckpointWriter.Mode.FRESH, 1L << 40, threads),
                  Densifier.Meters.SILENT);
              return read(out.resolve("model.safetensors"));
            })
            .toList();

    assertThat(results.getFirst()).isEqualTo(results.getLast());
  }

  private static byte[] read(Path file) {
    try {
      return Files.readAllBytes(file);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }
}
