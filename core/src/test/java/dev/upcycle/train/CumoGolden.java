package dev.upcycle.train;

import dev.upcycle.chat.LabelledTokens;
import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.write.CheckpointWriter;
import dev.upcycle.convert.PlanExecutor;
import dev.upcycle.convert.Progress;
import dev.upcycle.data.BatchFixture;
import dev.upcycle.image.ImageTensor;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.TensorScope;
import dev.upcycle.model.GoldenCase;
import dev.upcycle.model.ModelOptions;
import dev.upcycle.plan.Planner;
import dev.upcycle.recipe.RecipeText;
import dev.upcycle.recipe.Recipes;
import dev.upcycle.recipe.ResolvedRecipe;
import dev.upcycle.recipe.Setting;
import dev.upcycle.recipe.Stage;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// CuMo's last stage on a toy as torch took it: `test-fixtures/interop/make_cumo_train_golden.py`.
///
/// @param json settings and losses
/// @param inputs of every step
record CumoGolden(JsonNode json, GoldenCase inputs) {
  private static final Path FOLDER =
      Path.of(System.getProperty("upcycle.root"))
          .resolve("test-fixtures/src/main/resources/dev/upcycle/fixtures/golden/train/cumo");
  private static final int SIDE = 28;

  private static final String RECIPE =
      """
      recipe: 1
      source: {language: mistral, vision: clip, connector: mlp}
      target: cumo
      vision:
        scales: [1, 3]
        experts: {count: 4, per_token: 2}
        router: {init: {kind: file, path: routers-vision.safetensors}}
      connector:
        experts: {count: 4, per_token: 2}
        router: {init: {kind: file, path: routers-connector.safetensors}}
      output: {dtype: f32}
      train:
        stages:
          - name: tuning
            rates: {all: 1.0e-3}
            schedule: {kind: cosine, warmup: {kind: log, ratio: 0.15}}
            clip_norm: 1.0
            losses: {balance: {kind: cumo, weight: 0.1}, router_z: {weight: 0.01}}
            data: {path: none.json, template: mistral_instruct_system}
      """;

  static CumoGolden read() {
    return new CumoGolden(
        JsonMapper.shared().readTree(FOLDER.resolve("losses.json")),
        new GoldenCase(
            FOLDER,
            JsonMapper.shared().createObjectNode(),
            Checkpoint.openFile(FOLDER.resolve("inputs.safetensors"))));
  }

  static Checkpoint dense() {
    return Checkpoint.open(FOLDER.resolve("dense"));
  }

  private static ResolvedRecipe recipe(String... settings) {
    return Recipes.resolve(
        new RecipeText("toy.yaml", RECIPE, Optional.of(FOLDER)),
        Arrays.stream(settings).map(Setting::parse).toList(),
        Map.of());
  }

  /// The stage, with other settings.
  static Stage stage(String... settings) {
    return recipe(settings).recipe().training().orElseThrow().stages().getFirst();
  }

  /// Makes experts of the dense model.
  static Checkpoint upcycle(Path out) {
    ResolvedRecipe recipe = recipe();
    Checkpoint source = dense();
    PlanExecutor.run(
        Planner.plan(source, recipe),
        source,
        new PlanExecutor.Options(out, CheckpointWriter.Mode.FRESH, 1),
        Progress.SILENT);
    return Checkpoint.open(out);
  }

  static StageModel open(Checkpoint checkpoint, Stage stage) {
    return StageModel.open(
        StageBase.of(checkpoint), stage, ModelOptions.cpu(), recipe().recipe().output());
  }

  double number(String key) {
    return json.required(key).asDouble();
  }

  int steps() {
    return json.required("steps").asInt();
  }

  /// What torch found before a step, and with it.
  double loss(int step, String key) {
    return json.required("losses").required(step).required(key).asDouble();
  }

  /// What a step reads.
  TokenBatch batch(int step) {
    int count = json.required("rows").asInt();
    int seq = json.required("seq").asInt();
    int which = step % json.required("batches").asInt();
    try (TensorScope _ = TensorScope.open()) {
      long[] ids = of("ids", which).toLongs();
      long[] labels = of("labels", which).toLongs();
      float[] pixels = of("pixels", which).toFloats();
      int image = pixels.length / count;
      List<BatchFixture.Row> rows = new ArrayList<>();
      for (int row = 0; row < count; row++) {
        int length = length(Arrays.copyOfRange(ids, row * seq, (row + 1) * seq));
        int places = json.required("places").required(row).asInt();
        float[] own = Arrays.copyOfRange(pixels, row * image, (row + 1) * image);
        rows.add(
            new BatchFixture.Row(
                new LabelledTokens(some(ids, row * seq, length), some(labels, row * seq, length)),
                places == 0 ? Optional.empty() : Optional.of(ImageTensor.of(3, SIDE, SIDE, own)),
                places));
      }
      return TokenBatch.of(BatchFixture.of(rows, SIDE));
    }
  }

  private Tensor of(String name, int batch) {
    return inputs.tensor(name).narrow(0, batch, 1).squeeze(0);
  }

  private static List<Long> some(long[] values, int from, int length) {
    return Arrays.stream(values, from, from + length).boxed().toList();
  }

  private static int length(long[] ids) {
    return (int) Arrays.stream(ids).filter(id -> id != 0).count();
  }
}
