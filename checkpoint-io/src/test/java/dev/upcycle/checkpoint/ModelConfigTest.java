package dev.upcycle.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.node.JsonNodeFactory;

class ModelConfigTest {
  @TempDir Path folder;

  private ModelConfig config(String json) {
    try {
      return ModelConfig.read(Files.writeString(folder.resolve("config.json"), json));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void assertRefused(CheckpointFault fault, ThrowingCallable call, String... parts) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            CheckpointFormatException.class, e -> assertThat(e.fault()).isEqualTo(fault))
        .hasMessageContaining("config.json")
        .satisfies(e -> List.of(parts).forEach(part -> assertThat(e).hasMessageContaining(part)));
  }

  private static String text(ModelConfig config) {
    return new String(config.toJson(), StandardCharsets.UTF_8);
  }

  @Test
  void fileThatIsTooLargeForAConfigIsNotTakenIntoMemory() throws IOException {
    Path file = folder.resolve("config.json");
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.allocate(1), 4L << 30);
    }
    assertRefused(CheckpointFault.BAD_CONFIG, () -> ModelConfig.read(file), "4,294,967,297 bytes");
  }

  @Test
  void onlyAnObjectHasASize() {
    ModelConfig config = config("{\"a\": {\"x\": 1, \"y\": null}, \"b\": [1]}");
    assertThat(config.findSize("a")).hasValue(2);
    assertThat(config.findSize("b")).isEmpty();
    assertThat(config.findSize("c")).isEmpty();
  }

  @Test
  void keysSurviveUnchangedAndInOrder() {
    ModelConfig config = config("{\"z\": {\"b\": [1, 2.5], \"a\": null}, \"a\": true}");
    assertThat(config.json()).hasToString("{\"z\":{\"b\":[1,2.5],\"a\":null},\"a\":true}");
  }

  @Test
  void copyOfTheKeysDoesNotChangeTheConfig() {
    ModelConfig config = config("{\"a\": 1}");
    config.json().put("a", 2);
    assertThat(config.requireLong("a")).isOne();
    var json = config.json();
    ModelConfig made = ModelConfig.of(json);
    json.put("a", 3);
    assertThat(made.requireLong("a")).isOne();
  }

  @Test
  void valuesAreReadByKind() {
    ModelConfig config =
        config(
            "{\"model_type\": \"llama\", \"n\": 7, \"x\": 1e-05, \"i\": 8, \"t\": true, \"s\":"
                + " \"a\", \"l\": [\"b\", \"c\"], \"o\": {\"n\": 9}}");
    assertThat(config.modelType()).isEqualTo("llama");
    assertThat(config.findLong("n")).hasValue(7);
    assertThat(config.findDouble("x")).hasValue(1e-5);
    assertThat(config.findDouble("i")).hasValue(8);
    assertThat(config.findBoolean("t")).contains(true);
    assertThat(config.findString("s")).contains("a");
    assertThat(config.strings("l")).containsExactly("b", "c");
    assertThat(config.findNested("o").orElseThrow().requireLong("n")).isEqualTo(9);
  }

  @ParameterizedTest
  @ValueSource(strings = {"{}", "{\"k\": null}"})
  void absentAndNullAreEmpty(String json) {
    ModelConfig config = config(json);
    assertThat(config.has("k")).isEqualTo(json.contains("k"));
    assertThat(config.findLong("k")).isEmpty();
    assertThat(config.findDouble("k")).isEmpty();
    assertThat(config.findBoolean("k")).isEmpty();
    assertThat(config.findString("k")).isEmpty();
    assertThat(config.strings("k")).isEmpty();
    assertThat(config.findNested("k")).isEmpty();
    assertRefused(
        CheckpointFault.MISSING_CONFIG_KEY, () -> config.requireLong("k"), "'k'", "a whole number");
    assertRefused(CheckpointFault.MISSING_CONFIG_KEY, config::modelType, "'model_type'");
  }

  @ParameterizedTest
  @ValueSource(strings = {"\"7\"", "7.0", "true", "[7]", "9223372036854775808"})
  void whatIsNoWholeNumberIsRefused(String value) {
    ModelConfig config = config("{\"k\": " + value + "}");
    assertRefused(
        CheckpointFault.BAD_CONFIG_VALUE, () -> config.findLong("k"), "'k' is " + value, "whole");
  }

  @ParameterizedTest
  @ValueSource(strings = {"\"7\"", "true", "[7]", "NaN", "1e999"})
  void whatIsNoNumberIsRefused(String value) {
    ModelConfig config = config("{\"k\": " + value + "}");
    assertRefused(
        CheckpointFault.BAD_CONFIG_VALUE, () -> config.findDouble("k"), "'k'", "a number");
  }

  @Test
  void valuesOfOtherKindsAreRefused() {
    ModelConfig config = config("{\"n\": 1, \"l\": [\"a\", 1], \"s\": \"a\"}");
    assertRefused(CheckpointFault.BAD_CONFIG_VALUE, () -> config.findString("n"), "text");
    assertRefused(CheckpointFault.BAD_CONFIG_VALUE, () -> config.findBoolean("n"), "true or false");
    assertRefused(CheckpointFault.BAD_CONFIG_VALUE, () -> config.strings("s"), "a list of texts");
    assertRefused(CheckpointFault.BAD_CONFIG_VALUE, () -> config.strings("l"), "a list of texts");
    assertRefused(CheckpointFault.BAD_CONFIG_VALUE, () -> config.findNested("n"), "an object");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "[]", "{", "null", "{} {}", "{\"a\": 1, \"a\": 2}"})
  void whatIsNoObjectIsRefused(String json) {
    assertRefused(CheckpointFault.BAD_CONFIG, () -> config(json));
  }

  @ParameterizedTest
  @CsvSource({
    "dtype, bfloat16, BF16",
    "torch_dtype, bfloat16, BF16",
    "torch_dtype, torch.bfloat16, BF16",
    "torch_dtype, float16, F16",
    "dtype, float32, F32",
    "dtype, float64, F64"
  })
  void dtypeIsReadInEitherSpelling(String key, String value, DType expected) {
    assertThat(config("{\"%s\": \"%s\"}".formatted(key, value)).dtype()).contains(expected);
  }

  @Test
  void dtypeMayBeAbsentOrNullOrTwiceTheSame() {
    assertThat(config("{}").dtype()).isEmpty();
    assertThat(config("{\"torch_dtype\": null}").dtype()).isEmpty();
    assertThat(config("{\"torch_dtype\": \"torch.float16\", \"dtype\": \"float16\"}").dtype())
        .contains(DType.F16);
  }

  @Test
  void dtypesThatDisagreeAreRefusedNamingBoth() {
    ModelConfig config = config("{\"torch_dtype\": \"float16\", \"dtype\": \"bfloat16\"}");
    assertRefused(
        CheckpointFault.CONFIG_SPELLINGS_DISAGREE,
        config::dtype,
        "'dtype' is bfloat16",
        "'torch_dtype' is float16");
  }

  @Test
  void dtypeThatNamesNoTypeCountsAsUnstated() {
    assertThat(config("{\"torch_dtype\": \"auto\"}").dtype()).isEmpty();
    assertThat(config("{\"torch_dtype\": \"auto\", \"dtype\": \"float32\"}").dtype())
        .contains(DType.F32);
  }

  @Test
  void configWithOtherKeysStillNamesItsFile() {
    ModelConfig edited = config("{\"n\": 1}").with(JsonNodeFactory.instance.objectNode());
    assertThat(edited.has("n")).isFalse();
    assertRefused(
        CheckpointFault.MISSING_CONFIG_KEY, () -> edited.requireLong("n"), folder.toString());
  }

  @Test
  void dtypeIsWrittenInBothSpellings() {
    assertThat(config("{\"torch_dtype\": \"float16\"}").withDType(DType.BF16).json())
        .hasToString("{\"torch_dtype\":\"bfloat16\",\"dtype\":\"bfloat16\"}");
    assertThatIllegalArgumentException().isThrownBy(() -> config("{}").withDType(DType.U16));
  }

  @Test
  void configIsWrittenAsPythonWouldWithKeysSorted() {
    ModelConfig config =
        config(
            "{\"b\": {\"d\": [], \"c\": {}}, \"text_config\": {\"z\": 1, \"a\": [1, 2]}, \"a\":"
                + " \"é\\n\\\"\", \"n\": null, \"t\": true}");
    assertThat(text(config))
        .isEqualTo(
            """
            {
              "a": "\\u00e9\\n\\"",
              "b": {
                "c": {},
                "d": []
              },
              "n": null,
              "t": true,
              "text_config": {
                "a": [
                  1,
                  2
                ],
                "z": 1
              }
            }
            """);
  }

  @ParameterizedTest
  @CsvSource({
    "1e-05, 1e-05",
    "1e-06, 1e-06",
    "0.00001, 1e-05",
    "0.0001, 0.0001",
    "0.0, 0.0",
    "-0.0, -0.0",
    "10000.0, 10000.0",
    "1e4, 10000.0",
    "1E+16, 1e+16",
    "1e15, 1000000000000000.0",
    "0.02, 0.02",
    "2.50, 2.5",
    "-1.25e-7, -1.25e-07",
    "1e300, 1e+300",
    "1e0, 1.0",
    "7, 7",
    "-3, -3",
    "123456789012345678901234567890, 123456789012345678901234567890",
    "NaN, NaN",
    "Infinity, Infinity",
    "-Infinity, -Infinity"
  })
  void numbersAreSpeltAsPythonSpellsThem(String read, String written) {
    assertThat(text(config("{\"k\": " + read + "}"))).isEqualTo("{\n  \"k\": " + written + "\n}\n");
  }
}
