package dev.upcycle.convert;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.recipe.Recipes;
import dev.upcycle.recipe.ResolvedRecipe;
import dev.upcycle.recipe.Setting;
import dev.upcycle.sample.TinyModel;
import dev.upcycle.verify.VerifyReport.Failure;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.json.JsonMapper;

/// What a loader reads beside the weights is verified too: CuMo's config and our modelling files.
class CumoVerificationTest {
  @TempDir Path folder;

  private Checkpoint converted(String name, String... sets) {
    ResolvedRecipe recipe =
        Recipes.resolve(
            Recipes.text(name, Path.of("")),
            Arrays.stream(sets).map(Setting::parse).toList(),
            Map.of());
    Path dense = folder.resolve("dense");
    TinyModel.write(recipe.recipe(), dense);
    return Conversions.convert(dense, recipe, folder.resolve("moe"));
  }

  private List<String> failed(Checkpoint target) {
    return Conversions.verify(Optional.of(folder.resolve("dense")), target).failures().stream()
        .map(Failure::tensor)
        .toList();
  }

  @ParameterizedTest
  @CsvSource({
    "training, true",
    "clip_smoe, false",
    "mlp_smoe, false",
    "mm_projector_type, '\"mlp2x_gelu\"'",
    "mm_vision_select_layer, -1",
    "mm_vision_select_feature, '\"cls_patch\"'",
    "mm_hidden_size, 99",
    "mm_patch_merge_type, '\"spatial\"'",
    "mm_use_im_start_end, true",
    "image_aspect_ratio, '\"square\"'",
    "use_mm_proj, false",
    "num_layers, 4",
    "dropout, true",
    "local_rank, 0"
  })
  void aKeyThatCumoReadsIsHeldToItsValue(String key, String value) throws IOException {
    // An override of another key must not turn the check off.
    Checkpoint target = converted("cumo-mistral-7b", "output.config={mm_vision_tower: mine}");
    assertThat(failed(target)).isEmpty();
    Conversions.edit(target.directory(), key, JsonMapper.shared().readTree(value));
    assertThat(failed(Checkpoint.open(target.directory()))).isNotEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"num_layers", "dropout", "local_rank", "use_mm_proj", "mm_patch_merge_type"})
  void aKeyThatCumoReadsMustBeThere(String key) throws IOException {
    Checkpoint target = converted("cumo-mistral-7b");
    var json = target.config().json();
    json.remove(key);
    Files.writeString(target.directory().resolve("config.json"), json.toString());
    assertThat(failed(Checkpoint.open(target.directory()))).containsExactly("config.json: " + key);
  }

  @Test
  void aModellingFileThatWasChangedIsFound() throws IOException {
    Checkpoint target = converted("clip-vit-4x2");
    Path shared = target.directory().resolve("sparse_moe.py");
    assertThat(failed(target)).isEmpty();
    Files.writeString(
        shared, Files.readString(shared).replace("if self.renormalise:", "if False:"));
    assertThat(failed(target)).containsExactly("sparse_moe.py");
  }
}
