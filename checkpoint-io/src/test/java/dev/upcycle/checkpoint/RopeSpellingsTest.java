package dev.upcycle.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.node.ObjectNode;

class RopeSpellingsTest {
  @TempDir Path folder;

  private ModelConfig config(String json) {
    try {
      return ModelConfig.read(Files.writeString(folder.resolve("config.json"), json));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private RopeSettings rope(String json) {
    return config(json).rope(10_000);
  }

  private void assertRefused(CheckpointFault fault, String json, String... parts) {
    assertThatThrownBy(() -> rope(json))
        .isInstanceOfSatisfying(
            CheckpointFormatException.class, e -> assertThat(e.fault()).isEqualTo(fault))
        .hasMessageContainingAll(parts);
  }

  private static String scaling(RopeSettings rope) {
    return rope.scaling().map(ObjectNode::toString).orElse("none");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{}",
        "{\"rope_theta\": null, \"rope_scaling\": null, \"rope_parameters\": null}",
        "{\"rope_parameters\": {\"rope_type\": \"default\"}}"
      })
  void silentConfigHasTheFamilysTheta(String json) {
    RopeSettings rope = rope(json);
    assertThat(rope.theta()).isEqualTo(10_000);
    assertThat(rope.type()).isEqualTo("default");
    assertThat(rope.scaling()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"rope_theta\": 1000000, \"rope_scaling\": {\"type\": \"linear\", \"factor\": 4.0}}",
        "{\"rope_theta\": 1e6, \"rope_scaling\": {\"rope_type\": \"linear\", \"factor\": 4.0}}",
        "{\"rope_theta\": 1e6, \"rope_scaling\": {\"rope_type\": \"linear\", \"type\": \"linear\", \"factor\": 4.0}}",
        "{\"rope_parameters\": {\"rope_theta\": 1e6, \"rope_type\": \"linear\", \"factor\": 4.0}}",
        "{\"rope_theta\": 1e6, \"rope_parameters\": {\"rope_type\": \"linear\", \"factor\": 4.0}}"
      })
  void eitherSpellingIsRead(String json) {
    RopeSettings rope = rope(json);
    assertThat(rope.theta()).isEqualTo(1e6);
    assertThat(rope.type()).isEqualTo("linear");
    assertThat(scaling(rope)).isEqualTo("{\"factor\":4.0}");
  }

  @Test
  void bothSpellingsMayAgree() {
    RopeSettings rope =
        rope(
            "{\"rope_theta\": 5e5, \"rope_scaling\": {\"type\": \"yarn\", \"factor\": 4}, \"rope_parameters\": {\"rope_theta\": 500000, \"rope_type\": \"yarn\", \"factor\": 4.0}}");
    assertThat(rope.theta()).isEqualTo(500_000);
    assertThat(rope.type()).isEqualTo("yarn");
  }

  @Test
  void thetasThatDisagreeAreRefusedNamingBoth() {
    assertRefused(
        CheckpointFault.CONFIG_SPELLINGS_DISAGREE,
        "{\"rope_theta\": 10000.0, \"rope_parameters\": {\"rope_theta\": 100000.0}}",
        "'rope_theta' is 10000.0",
        "'rope_parameters' is 100000.0");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "null",
        "{\"type\": \"linear\", \"factor\": 8.0}",
        "{\"type\": \"dynamic\", \"factor\": 4.0}",
        "{\"type\": \"linear\", \"factor\": 4.0, \"more\": 1}"
      })
  void scalingsThatDisagreeAreRefusedNamingBoth(String scaling) {
    assertRefused(
        CheckpointFault.CONFIG_SPELLINGS_DISAGREE,
        "{\"rope_scaling\": "
            + scaling
            + ", \"rope_parameters\": {\"rope_type\": \"linear\", \"factor\": 4.0}}",
        "'rope_scaling'",
        "'rope_parameters'");
  }

  @Test
  void typesThatDisagreeAreRefused() {
    assertRefused(
        CheckpointFault.CONFIG_SPELLINGS_DISAGREE,
        "{\"rope_scaling\": {\"type\": \"linear\", \"rope_type\": \"yarn\"}}",
        "'rope_type' is yarn",
        "'type' is linear");
  }

  @ParameterizedTest
  @ValueSource(strings = {"0", "-1.0", "\"10000\"", "true"})
  void thetaThatIsNoPositiveNumberIsRefused(String theta) {
    assertRefused(
        CheckpointFault.BAD_CONFIG_VALUE, "{\"rope_theta\": " + theta + "}", "'rope_theta'");
  }

  @Test
  void settingsPerKindOfLayerAreRefused() {
    assertRefused(
        CheckpointFault.BAD_CONFIG_VALUE,
        "{\"rope_parameters\": {\"full_attention\": {\"rope_theta\": 1e6}}}",
        "'full_attention'",
        "per kind of layer");
  }

  @Test
  void oldNameOfLongropeIsUnderstood() {
    assertThat(rope("{\"rope_scaling\": {\"type\": \"su\", \"short_factor\": [1, 2.5]}}").type())
        .isEqualTo("longrope");
  }

  @Test
  void oneSpellingBecomesBoth() {
    ObjectNode json =
        config("{\"rope_theta\": 100000, \"torch_dtype\": \"torch.bfloat16\", \"other\": 1}")
            .withBothSpellings(10_000)
            .json();
    assertThat(json)
        .hasToString(
            "{\"rope_theta\":100000.0,\"torch_dtype\":\"bfloat16\",\"other\":1,"
                + "\"rope_scaling\":null,"
                + "\"rope_parameters\":{\"rope_type\":\"default\",\"rope_theta\":100000.0},"
                + "\"dtype\":\"bfloat16\"}");
  }

  @Test
  void newSpellingBecomesBothWithFactorsAsFloats() {
    ModelConfig both =
        config(
                "{\"dtype\": \"float16\", \"rope_parameters\": {\"rope_theta\": 1000000, \"rope_type\": \"llama3\", \"factor\": 8, \"original_max_position_embeddings\": 8192, \"short_factor\": [1, 2.5]}}")
            .withBothSpellings(10_000);
    assertThat(both.json().get("rope_scaling"))
        .hasToString(
            "{\"rope_type\":\"llama3\",\"factor\":8.0,\"original_max_position_embeddings\":8192,\"short_factor\":[1.0,2.5]}");
    assertThat(both.json().get("rope_theta")).hasToString("1000000.0");
    assertThat(both.json().get("torch_dtype")).hasToString("\"float16\"");
    assertThat(both.rope(1)).isEqualTo(both.withBothSpellings(1).rope(1));
  }

  @Test
  void silentConfigGetsTheFamilysThetaInBothSpellings() {
    ObjectNode json = config("{}").withBothSpellings(10_000).json();
    assertThat(json)
        .hasToString(
            "{\"rope_theta\":10000.0,\"rope_scaling\":null,\"rope_parameters\":{\"rope_type\":\"default\",\"rope_theta\":10000.0}}");
  }
}
