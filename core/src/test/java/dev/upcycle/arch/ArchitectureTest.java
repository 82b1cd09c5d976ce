package dev.upcycle.arch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.checkpoint.CheckpointFormatException;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class ArchitectureTest {
  static List<String> families() {
    return Architecture.known();
  }

  @Test
  void theIndexNamesEveryFamilyFileAndNoOther() throws IOException, URISyntaxException {
    Path folder =
        Path.of(Objects.requireNonNull(Architecture.class.getResource("families.txt")).toURI())
            .resolveSibling(".");
    try (Stream<Path> files = Files.list(folder)) {
      List<String> families =
          files
              .map(file -> file.getFileName().toString())
              .filter(name -> name.endsWith(".json"))
              .map(name -> name.substring(0, name.length() - ".json".length()))
              .sorted()
              .toList();
      assertThat(Architecture.known()).isEqualTo(families);
    }
  }

  @ParameterizedTest
  @MethodSource("families")
  void everyTemplateMatchesTheNameItGives(String family) {
    Architecture architecture = Architecture.require(family);
    for (TensorTemplate template : architecture.templates()) {
      OptionalInt layer = template.perLayer() ? OptionalInt.of(31) : OptionalInt.empty();
      OptionalInt expert = template.perExpert() ? OptionalInt.of(7) : OptionalInt.empty();
      String name = architecture.name(template, layer, expert);
      assertThat(architecture.match(name)).contains(new TemplateMatch(template, layer, expert));
    }
  }

  @ParameterizedTest
  @MethodSource("families")
  void everyFamilyIsFoundUnderItsOwnModelType(String family) {
    assertThat(Architecture.require(family).modelType()).isEqualTo(family);
    assertThat(Architecture.known()).containsAll(Architecture.require(family).upcyclesTo());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        ".",
        "model.layers.0.mlp.gate_proj",
        "model.layers.0.mlp.gate_proj.weight.",
        "model.layers.00.mlp.gate_proj.weight",
        "model.layers.-1.mlp.gate_proj.weight",
        "model.layers.9999999999.mlp.gate_proj.weight",
        "model.layers.[layer].mlp.gate_proj.weight",
        "model.layers..mlp.gate_proj.weight",
        "xmodel.layers.0.mlp.gate_proj.weight",
        "model.layers.0.mlp.gate_proj.weight_scale"
      })
  void aNameThatOnlyResemblesATemplateDoesNotMatch(String name) {
    assertThat(Architecture.require("llama").match(name)).isEmpty();
  }

  @Test
  void fusedNamesMatchOnlyTheFusedLayout() {
    Architecture mixtral = Architecture.require("mixtral");
    String name = "model.layers.3.mlp.experts.gate_up_proj";
    assertThat(mixtral.match(name)).isEmpty();
    assertThat(mixtral.matchFused(name).orElseThrow().template().role())
        .isEqualTo(Role.STACKED_GATE_UP);
    assertThat(mixtral.matchFused("model.layers.3.block_sparse_moe.gate.weight")).isEmpty();
  }

  @Test
  void aRoleWithSeveralTemplatesHasNoOneTemplate() {
    Architecture llama = Architecture.require("llama");
    assertThat(llama.template(Role.FFN_GATE).pattern())
        .isEqualTo("model.layers.[layer].mlp.gate_proj.weight");
    assertThatThrownBy(() -> llama.template(Role.ATTENTION_BIAS))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("4 templates");
  }

  @Test
  void anUnknownFamilyIsRefusedListingTheKnownOnes() {
    assertThat(Architecture.find("gpt2")).isEqualTo(Optional.empty());
    assertThatThrownBy(() -> Architecture.require("gpt2"))
        .isInstanceOf(CheckpointFormatException.class)
        .hasMessageContaining("gpt2")
        .hasMessageContaining(
            "mixtral, mlp, mlp_moe, openai_clip_moe, qwen2, qwen2_moe, qwen3, qwen3_moe, siglip,");
  }

  @Test
  void familiesWithARouterAreMixturesOfExperts() {
    assertThat(families().stream().filter(f -> Architecture.require(f).mixtureOfExperts()))
        .containsExactly(
            "clip_moe_text_model",
            "clip_moe_vision_model",
            "cumo_moe_connector",
            "cumo_moe_vision",
            "llama_moe",
            "mistral_moe",
            "mixtral",
            "mlp_moe",
            "qwen2_moe",
            "qwen3_moe",
            "siglip_moe_text_model",
            "siglip_moe_vision_model",
            "vit_moe");
  }

  @Test
  void aNameWithoutTheIndexItAsksForIsRefused() {
    Architecture llama = Architecture.require("llama");
    assertThatThrownBy(
            () -> llama.name(llama.template(Role.FFN_UP), OptionalInt.empty(), OptionalInt.empty()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("[layer]");
  }
}
