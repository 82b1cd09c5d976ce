package dev.upcycle.convert;

import static dev.upcycle.convert.Conversions.bytes;
import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.recipe.Recipes;
import dev.upcycle.recipe.ResolvedRecipe;
import dev.upcycle.recipe.Setting;
import dev.upcycle.sample.TinyModel;
import dev.upcycle.verify.VerifyReport;
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
    return Conversions.convert(dense, recipe, folder.resolve("moe-" + dense.getFileName()));
  }

  private static VerifyReport verify(Path dense, Checkpoint target) {
    return Conversions.verify(Optional.of(dense), target);
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
