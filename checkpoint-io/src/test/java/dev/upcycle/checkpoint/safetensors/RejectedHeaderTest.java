package dev.upcycle.checkpoint.safetensors;

import static dev.upcycle.fixtures.SafetensorsBytes.tensor;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.checkpoint.CheckpointFault;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.fixtures.SafetensorsBytes;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Every way in which what a header says can be wrong, by its own name: the unit tests of the
/// safetensors crate and the rows where its parser was tried on hostile input.
class RejectedHeaderTest extends HeaderRejections {
  private static String u8(String shape, String offsets) {
    return entry("\"U8\"", shape, offsets);
  }

  @Test
  void emptyFileIsTooSmall() throws IOException {
    Path file = Files.createFile(folder.resolve("empty.safetensors"));
    assertThatThrownBy(() -> SafetensorsHeader.read(file))
        .isInstanceOfSatisfying(
            CheckpointFormatException.class,
            e -> assertThat(e.fault()).isEqualTo(CheckpointFault.HEADER_TOO_SMALL));
  }

  @Test
  void sevenByteFileIsTooSmall() throws IOException {
    Path file = Files.write(folder.resolve("seven.safetensors"), new byte[7]);
    assertThatThrownBy(() -> SafetensorsHeader.read(file))
        .isInstanceOfSatisfying(
            CheckpointFormatException.class,
            e -> assertThat(e.fault()).isEqualTo(CheckpointFault.HEADER_TOO_SMALL))
        .hasMessageContaining("7 bytes");
  }

  @Test
  void missingFileIsNamed() {
    assertThatThrownBy(() -> SafetensorsHeader.read(folder.resolve("gone.safetensors")))
        .isInstanceOfSatisfying(
            CheckpointFormatException.class,
            e -> assertThat(e.fault()).isEqualTo(CheckpointFault.NO_SUCH_PATH))
        .hasMessageContaining("gone.safetensors");
  }

  @Test
  void directoryInPlaceOfAFileIsRefused() {
    assertThatThrownBy(() -> SafetensorsHeader.read(folder))
        .isInstanceOfSatisfying(
            CheckpointFormatException.class,
            e -> assertThat(e.fault()).isEqualTo(CheckpointFault.NOT_A_REGULAR_FILE));
  }

  @Test
  void lengthNearTwoToThe64IsTooLarge() {
    assertRejected(
        CheckpointFault.HEADER_TOO_LARGE,
        SafetensorsBytes.of("{}").promising(0xffff_ff00_0000_003cL));
  }

  @Test
  void lengthIsJudgedBeforeTheFileSize() {
    assertRejected(
        CheckpointFault.HEADER_TOO_LARGE, SafetensorsBytes.of("{}").promising(100_000_001));
    assertRejected(
        CheckpointFault.HEADER_PAST_END, SafetensorsBytes.of("{}").promising(100_000_000));
  }

  @Test
  void headerThatPassesTheEndIsRefused() {
    assertRejected(CheckpointFault.HEADER_PAST_END, SafetensorsBytes.of("").promising(60));
  }

  @Test
  void truncatedHeaderIsRefused() {
    SafetensorsBytes whole = tensor("x", "F32", "[2,2]", 16);
    String header = SafetensorsBytes.header("x", "F32", "[2,2]", 16);
    assertThat(rejection(SafetensorsBytes.of(header.substring(0, 20)).promising(header.length())))
        .extracting(CheckpointFormatException::fault)
        .isEqualTo(CheckpointFault.HEADER_PAST_END);
    assertThat(SafetensorsHeader.read(whole.write(folder.resolve("whole.safetensors"))).tensors())
        .hasSize(1);
  }

  @Test
  void promiseOfFourMebibytesBeforeOneByteIsRefused() {
    assertRejected(
        CheckpointFault.HEADER_PAST_END,
        SafetensorsBytes.of(new byte[0]).promising(4 << 20).withData(1));
  }

  @Test
  void lengthZeroIsRefused() {
    assertRejected(CheckpointFault.HEADER_EMPTY, SafetensorsBytes.of(""));
  }

  @Test
  void byteThatIsNotUtf8IsRefused() {
    assertRejected(CheckpointFault.HEADER_NOT_UTF8, SafetensorsBytes.of(new byte[] {(byte) 0xff}));
  }

  @Test
  void utf8ThatEncodesASurrogateIsRefused() {
    byte[] header =
        "{\"a??\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1]}}"
            .getBytes(StandardCharsets.UTF_8);
    header[2] = (byte) 0xed;
    header[3] = (byte) 0xa0;
    header[4] = (byte) 0x80;
    assertRejected(CheckpointFault.HEADER_NOT_UTF8, SafetensorsBytes.of(header).withData(1));
  }

  @Test
  void utf16IsRefused() {
    byte[] header = "{}".getBytes(StandardCharsets.UTF_16LE);
    assertRejected(CheckpointFault.HEADER_NOT_JSON, SafetensorsBytes.of(header));
  }

  @Test
  void byteOrderMarkIsRefused() {
    assertRejected(CheckpointFault.HEADER_BYTE_ORDER_MARK, "\ufeff{}", 0);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{",
        "   ",
        "{\"x\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},}",
        "{\"x\":{\"dtype\":\"U8\",\"shape\":[1,],\"data_offsets\":[0,1]}}",
        "{/* comment */}",
        "{} // comment {",
        "{'x':{'dtype':'U8','shape':[1],'data_offsets':[0,1]}}",
        "{\"x\"",
        "{\"x\":{\"dtype\":\"U8\",\"shape\":[04],\"data_offsets\":[0,4]}}",
        "{\"x\":{\"dtype\":\"U8\",\"shape\":[+4],\"data_offsets\":[0,4]}}",
        "{\"x\":{\"dtype\":\"U8\",\"shape\":[NaN],\"data_offsets\":[0,4]}}",
        "{\"x\\q\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}",
      })
  void whatIsNotJsonIsRefused(String header) {
    CheckpointFault fault = rejection(SafetensorsBytes.of(header).withData(4)).fault();
    assertThat(fault)
        .isEqualTo(
            header.startsWith("{} ")
                ? CheckpointFault.HEADER_TRAILING_CONTENT
                : CheckpointFault.HEADER_NOT_JSON);
  }

  @ParameterizedTest
  @ValueSource(strings = {"{}x", "{}\0\0", "{}{}", "{},", "{} []", "{}}"})
  void whateverFollowsTheObjectIsRefused(String header) {
    assertRejected(CheckpointFault.HEADER_TRAILING_CONTENT, header, 0);
  }

  @ParameterizedTest
  @ValueSource(strings = {"[]", "null", "7", "\"text\"", "true"})
  void rootThatIsNoObjectIsRefused(String header) {
    assertRejected(CheckpointFault.HEADER_NOT_AN_OBJECT, header, 0);
  }

  @ParameterizedTest
  @ValueSource(ints = {0x00, 0x09, 0x0a, 0x1f})
  void rawControlCharacterInANameIsRefused(int control) {
    String name = "a" + (char) control + "b";
    assertRejected(CheckpointFault.HEADER_CONTROL_CHARACTER, tensor(name, "U8", "[1]", 1));
  }

  @ParameterizedTest
  @ValueSource(strings = {"\\ud800", "\\udc00", "\\ud800x", "\\ud800\\ud800", "a\\udfff"})
  void loneSurrogateInANameIsRefused(String name) {
    assertRejected(CheckpointFault.HEADER_LONE_SURROGATE, tensor(name, "U8", "[1]", 1));
  }

  @Test
  void loneSurrogateInMetadataIsRefused() {
    assertRejected(
        CheckpointFault.HEADER_LONE_SURROGATE, "{\"__metadata__\":{\"a\":\"\\ud800\"}}", 0);
  }

  @Test
  void nestingDeeperThan128IsRefused() {
    String deep = "[".repeat(200) + "]".repeat(200);
    String header =
        "{\"x\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1],\"extra\":" + deep + "}}";
    assertRejected(CheckpointFault.HEADER_TOO_DEEP, header, 1);
  }

  @Test
  void millionsOfOpenBracketsAreRefusedWithoutExhaustingTheStack() {
    assertRejected(
        CheckpointFault.HEADER_TOO_DEEP, "{\"x\":{\"extra\":" + "[".repeat(2_000_000) + "}}", 0);
  }

  @Test
  void tensorTwiceAtTheSamePlaceIsRefused() {
    String one = "\"x\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}";
    assertRejected(CheckpointFault.DUPLICATE_TENSOR, "{" + one + "," + one + "}", 4);
  }

  @Test
  void tensorTwiceAtFollowingPlacesIsRefused() {
    assertRejected(
        CheckpointFault.DUPLICATE_TENSOR,
        "{\"x\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},\"x\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[4,8]}}",
        8);
  }

  @Test
  void tensorTwiceBySpellingsOfOneNameIsRefused() {
    assertRejected(
        CheckpointFault.DUPLICATE_TENSOR,
        "{\"x\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},\"\\u0078\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[4,8]}}",
        8);
  }

  @Test
  void metadataTwiceIsRefused() {
    assertRejected(
        CheckpointFault.DUPLICATE_METADATA, "{\"__metadata__\":{},\"__metadata__\":{}}", 0);
  }

  @Test
  void metadataKeyTwiceIsRefused() {
    assertRejected(
        CheckpointFault.DUPLICATE_METADATA_KEY, "{\"__metadata__\":{\"a\":\"1\",\"a\":\"1\"}}", 0);
  }

  @ParameterizedTest
  @ValueSource(strings = {"1", "{}", "[]", "null", "true"})
  void metadataValueThatIsNoTextIsRefused(String value) {
    assertRejected(
        CheckpointFault.METADATA_VALUE_NOT_TEXT, "{\"__metadata__\":{\"a\":" + value + "}}", 0);
  }

  @ParameterizedTest
  @ValueSource(strings = {"[]", "\"text\"", "1"})
  void metadataThatIsNoObjectIsRefused(String value) {
    assertRejected(CheckpointFault.METADATA_NOT_AN_OBJECT, "{\"__metadata__\":" + value + "}", 0);
  }

  @ParameterizedTest
  @ValueSource(strings = {"dtype\":\"U8", "shape\":[4],\"a\":\"", "data_offsets\":[0,4],\"a\":\""})
  void fieldTwiceIsRefused(String field) {
    assertRejected(
        CheckpointFault.DUPLICATE_FIELD,
        "{\"x\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4],\"" + field + "\"}}",
        4);
  }

  @ParameterizedTest
  @ValueSource(strings = {"[\"U8\",[4],[0,4]]", "null", "4", "\"U8\""})
  void entryThatIsNoObjectIsRefused(String entry) {
    assertRejected(CheckpointFault.TENSOR_NOT_AN_OBJECT, "{\"x\":" + entry + "}", 4);
  }

  @Test
  void missingDTypeIsRefused() {
    assertRejected(
        CheckpointFault.MISSING_DTYPE, "{\"x\":{\"shape\":[4],\"data_offsets\":[0,4]}}", 4);
  }

  @Test
  void missingShapeIsRefused() {
    assertRejected(
        CheckpointFault.MISSING_SHAPE, "{\"x\":{\"dtype\":\"U8\",\"data_offsets\":[0,4]}}", 4);
  }

  @Test
  void missingOffsetsAreRefused() {
    assertRejected(CheckpointFault.MISSING_OFFSETS, "{\"x\":{\"dtype\":\"U8\",\"shape\":[4]}}", 4);
  }

  @ParameterizedTest
  @ValueSource(strings = {"\"u8\"", "\"U9\"", "\"\"", "\"BFLOAT16\"", "8", "null", "[]"})
  void unknownDTypeIsRefused(String dtype) {
    assertRejected(CheckpointFault.UNKNOWN_DTYPE, entry(dtype, "[4]", "[0,4]"), 4);
  }

  @ParameterizedTest
  @ValueSource(strings = {"4", "\"[4]\"", "null", "{}"})
  void shapeThatIsNoListIsRefused(String shape) {
    assertRejected(CheckpointFault.SHAPE_NOT_A_LIST, u8(shape, "[0,4]"), 4);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "4.0",
        "4e0",
        "-4",
        "-0",
        "\"4\"",
        "null",
        "[4]",
        "true",
        "18446744073709551616",
        "-18446744073709551615"
      })
  void dimensionThatIsNoCountIsRefused(String dimension) {
    assertRejected(CheckpointFault.BAD_DIMENSION, u8("[" + dimension + "]", "[0,4]"), 4);
  }

  @ParameterizedTest
  @ValueSource(strings = {"[0]", "[0,4,4]", "[]", "4", "null", "{\"begin\":0,\"end\":4}"})
  void offsetsThatAreNoPairAreRefused(String offsets) {
    assertRejected(CheckpointFault.OFFSETS_NOT_A_PAIR, u8("[4]", offsets), 4);
  }

  @ParameterizedTest
  @ValueSource(strings = {"4.0", "-4", "-0", "\"4\"", "null", "18446744073709551616"})
  void offsetThatIsNoCountIsRefused(String offset) {
    assertRejected(CheckpointFault.BAD_OFFSET, u8("[4]", "[0," + offset + "]"), 4);
  }

  @Test
  void offsetPastTwoToThe63IsRefused() {
    assertRejected(CheckpointFault.OFFSET_OVERFLOW, u8("[4]", "[0,18446744073709551615]"), 4);
    assertRejected(
        CheckpointFault.OFFSET_OVERFLOW, u8("[0]", "[9223372036854775808,9223372036854775808]"), 4);
  }

  @Test
  void endBeforeTheBeginningIsRefused() {
    assertRejected(CheckpointFault.OFFSETS_REVERSED, u8("[4]", "[4,0]"), 4);
  }

  @Test
  void gitLfsPointerIsNamed() throws IOException {
    Path file =
        Files.writeString(
            folder.resolve("model.safetensors"),
            "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n");
    assertThatThrownBy(() -> SafetensorsHeader.read(file))
        .isInstanceOfSatisfying(
            CheckpointFormatException.class,
            e -> assertThat(e.fault()).isEqualTo(CheckpointFault.GIT_LFS_POINTER))
        .hasMessageContaining("git lfs pull");
  }
}
