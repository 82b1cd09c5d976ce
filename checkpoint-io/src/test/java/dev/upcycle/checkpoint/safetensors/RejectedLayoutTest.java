package dev.upcycle.checkpoint.safetensors;

import static dev.upcycle.fixtures.SafetensorsBytes.tensor;
import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.checkpoint.CheckpointFault;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Every way in which tensors can lie wrongly, by its own name, from the same sources as
/// [RejectedHeaderTest].
class RejectedLayoutTest extends HeaderRejections {
  private static String u8(String shape, String offsets) {
    return entry("\"U8\"", shape, offsets);
  }

  @Test
  void firstTensorThatDoesNotBeginAtZeroIsRefused() {
    assertRejected(CheckpointFault.FIRST_OFFSET_NOT_ZERO, u8("[4]", "[4,8]"), 8);
  }

  private static String two(String first, String second) {
    return "{\"a\":{\"dtype\":\"U8\",%s},\"b\":{\"dtype\":\"U8\",%s}}".formatted(first, second);
  }

  private static String at(int begin, int end) {
    return "\"shape\":[%d],\"data_offsets\":[%d,%d]".formatted(end - begin, begin, end);
  }

  @Test
  void holeBetweenTensorsIsRefused() {
    assertRejected(CheckpointFault.HOLE, two(at(0, 4), at(5, 9)), 9);
  }

  @Test
  void overlapIsRefused() {
    assertRejected(CheckpointFault.OVERLAP, two(at(0, 4), at(3, 7)), 7);
  }

  @Test
  void zeroSizeTensorInsideAnotherIsRefused() {
    assertRejected(CheckpointFault.OVERLAP, two(at(0, 4), at(2, 2)), 4);
  }

  @Test
  void zeroSizeTensorPastTheEndIsRefused() {
    assertRejected(CheckpointFault.HOLE, two(at(0, 4), at(8, 8)), 4);
  }

  @Test
  void tenTensorsAtOnePlaceAreAnOverlap() {
    assertRejected(CheckpointFault.OVERLAP, aliases(10), 16);
  }

  @Test
  void hundredThousandTensorsAtOnePlaceAreAnOverlap() {
    assertRejected(CheckpointFault.OVERLAP, aliases(100_000), 16);
  }

  private static String aliases(int count) {
    return IntStream.range(0, count)
        .mapToObj(i ->
            "\"weight_%d\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16]}"
                .formatted(i))
        .collect(Collectors.joining(",", "{", "}"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "[2,18446744073709551614]",
        "[2,9223372036854775807]",
        "[18446744073709551615,2,0]",
        "[9223372036854775808]",
        "[4611686018427387904,2]"
      })
  void sizeThatOverflowsIsRefused(String shape) {
    assertRejected(CheckpointFault.SIZE_OVERFLOW, entry("\"I32\"", shape, "[0,16]"), 16);
  }

  @Test
  void halfAByteIsRefused() {
    assertRejected(CheckpointFault.PARTIAL_BYTE, tensor("x", "F4", "[1,3]", 1));
    assertRejected(CheckpointFault.PARTIAL_BYTE, tensor("x", "F6_E2M3", "[2]", 1));
  }

  @Test
  void sizeThatTheOffsetsContradictIsRefused() {
    assertRejected(CheckpointFault.SIZE_MISMATCH, tensor("x", "F4", "[1,2]", 2));
    assertRejected(CheckpointFault.SIZE_MISMATCH, tensor("x", "I32", "[2,2]", 4));
  }

  @Test
  void bytesAfterTheLastTensorAreRefused() {
    assertRejected(
        CheckpointFault.DATA_TOO_LONG, tensor("x", "I32", "[2,2]", 16).withData(16 + 34));
  }

  @Test
  void dataWithoutTensorsIsRefused() {
    assertRejected(CheckpointFault.DATA_TOO_LONG, "{}", 1);
  }

  @Test
  void twoMissingBytesAreRefused() {
    assertRejected(CheckpointFault.DATA_TOO_SHORT, tensor("x", "I32", "[2,2]", 16).withData(14));
  }

  @Test
  void messageNamesFileTensorExpectedActualAndRemedy() {
    assertThat(rejection(tensor("model.norm.weight", "I32", "[2,2]", 4)))
        .hasMessageContaining("hostile.safetensors")
        .hasMessageContaining("'model.norm.weight'")
        .hasMessageContaining("expected 16 bytes")
        .hasMessageContaining("give 4")
        .hasMessageContaining("download or write it again");
  }
}
