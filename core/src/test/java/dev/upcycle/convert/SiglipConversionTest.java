package dev.upcycle.convert;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.write.CheckpointWriter;
import dev.upcycle.plan.Planner;
import dev.upcycle.recipe.Recipes;
import dev.upcycle.recipe.ResolvedRecipe;
import dev.upcycle.recipe.Setting;
import dev.upcycle.sample.TinyModel;
import dev.upcycle.verify.Verifier;
import dev.upcycle.verify.VerifyReport;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.node.ObjectNode;

/// Both towers of a SigLIP.
class SiglipConversionTest {
  @TempDir Path folder;

  private static ResolvedRecipe recipe(String name, String... sets) {
    return Recipes.resolve(
        Recipes.text(name, Path.of("")),
        Arrays.stream(sets).map(Setting::parse).toList(),
        Map.of());
  }

  private Checkpoint convert(Path dense, ResolvedRecipe recipe) {
    Path out = folder.resolve("moe-" + dense.getFileName());
    Checkpoint source = Checkpoint.open(dense);
    PlanExecutor.run(
        Planner.plan(source, recipe),
        source,
        new PlanExecutor.Options(out, CheckpointWriter.Mode.FRESH, 2),
        Progress.SILENT);
    return Checkpoint.open(out);
  }

  private static VerifyReport verify(Path dense, Checkpoint target) {
    return Verifier.verify(
        Optional.of(dense), target.directory(), Verifier.Expectation.CONVERTED, Progress.SILENT);
  }

  private static byte[] bytes(Checkpoint checkpoint, String name) {
    try (Arena arena = Arena.ofConfined()) {
      return checkpoint.map(checkpoint.require(name), arena).toArray(ValueLayout.JAVA_BYTE);
    }
  }

  private static ResolvedRecipe bothTowersOfASiglip() {
    return recipe("clip-up-b16", "source.language=siglip_text", "source.vision=siglip");
  }

  private Path siglip() {
    Path dense = folder.resolve("dense-siglip");
    TinyModel.write(bothTowersOfASiglip().recipe(), dense);
    return dense;
  }

  @Test
  void bothTowersOfASiglipBecomeExperts() {
    Path dense = siglip();
    Checkpoint source = Checkpoint.open(dense);
    Checkpoint target = convert(dense, bothTowersOfASiglip());
    assertThat(verify(dense, target).failures()).isEmpty();
    assertThat(bytes(target, "text_model.encoder.layers.1.mlp.experts.7.fc2.bias"))
        .isEqualTo(bytes(source, "text_model.encoder.layers.1.mlp.fc2.bias"));
    assertThat(bytes(target, "vision_model.encoder.layers.1.mlp.experts.7.fc1.weight"))
        .isEqualTo(bytes(source, "vision_model.encoder.layers.1.mlp.fc1.weight"));
    ObjectNode json = target.config().json();
    assertThat(json.path("model_type").asString()).isEqualTo("siglip_moe");
    assertThat(json.path("auto_map").path("AutoModel").asString())
        .isEqualTo("modeling_siglip_moe.SiglipMoeModel");
  }

  @Test
  void theTextTowerOfASiglipStaysDenseByteForByte() {
    Path dense = siglip();
    Checkpoint source = Checkpoint.open(dense);
    Checkpoint target = convert(dense, recipe("siglip-4x2"));
    assertThat(verify(dense, target).failures()).isEmpty();
    List<String> left =
        source.tensors().keySet().stream()
            .filter(name -> !name.startsWith("vision_model."))
            .toList();
    assertThat(left).contains("logit_bias", "logit_scale", "text_model.head.weight");
    for (String name : left) {
      assertThat(bytes(target, name)).as(name).isEqualTo(bytes(source, name));
    }
  }
}
