package dev.upcycle.checkpoint.safetensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.checkpoint.CheckpointFault;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.DType;
import dev.upcycle.checkpoint.Shape;
import dev.upcycle.checkpoint.TensorSpec;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class CanonicalHeaderTest {
  private static TensorSpec spec(String name, DType dtype) {
    return new TensorSpec(name, dtype, Shape.of(1));
  }

  private static String json(byte[] header) {
    return new String(header, Long.BYTES, header.length - Long.BYTES, StandardCharsets.UTF_8);
  }

  @Test
  void headerIsCompactWithMetadataFirst() {
    byte[] header =
        SafetensorsHeader.encode(
            List.of(new TensorSpec("attn.0", DType.F32, Shape.of(1, 2, 3)), spec("b", DType.U8)));
    assertThat(json(header).stripTrailing())
        .isEqualTo(
            "{\"__metadata__\":{\"format\":\"pt\"},"
                + "\"attn.0\":{\"dtype\":\"F32\",\"shape\":[1,2,3],\"data_offsets\":[0,24]},"
                + "\"b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[24,25]}}");
  }

  @Test
  void spacesPadTheHeaderToEightBytesAndTheLengthCountsThem() {
    for (int length = 1; length <= 9; length++) {
      byte[] header = SafetensorsHeader.encode(List.of(spec("n".repeat(length), DType.F32)));
      assertThat(header.length % 8).isZero();
      assertThat(ByteBuffer.wrap(header).order(ByteOrder.LITTLE_ENDIAN).getLong())
          .isEqualTo(header.length - 8);
      assertThat(json(header)).matches("(?s)\\{.*\\} {0,7}");
    }
  }

  @Test
  void dtypesDescendThenNamesAscend() {
    List<TensorSpec> sorted =
        SafetensorsHeader.canonicalOrder(
            List.of(
                spec("b", DType.F16),
                spec("a", DType.F16),
                spec("z", DType.I32),
                spec("y", DType.U64),
                spec("x", DType.BF16),
                spec("w", DType.BOOL)));
    assertThat(sorted).extracting(TensorSpec::name).containsExactly("y", "z", "x", "a", "b", "w");
  }

  @Test
  void everyDTypeRanksAsTheCrateRanksIt() {
    List<TensorSpec> sorted =
        SafetensorsHeader.canonicalOrder(
            Arrays.stream(DType.values()).map(dtype -> spec("x", dtype)).toList());
    assertThat(sorted)
        .extracting(tensor -> tensor.dtype().name())
        .containsExactly(
            ("U64 I64 F64 C64 F32 U32 I32 BF16 F16 U16 I16 F8_E5M2FNUZ F8_E4M3FNUZ F8_E8M0 F8_E4M3"
                    + " F8_E5M2 I8 U8 F6_E3M2 F6_E2M3 F4 BOOL")
                .split(" "));
  }

  @Test
  void namesSortByTheirUtf8Bytes() {
    List<String> names = List.of("a", "aa", "é", "\uffee", "\ud83d\ude00", "\ud83d\ude01");
    List<TensorSpec> sorted =
        SafetensorsHeader.canonicalOrder(
            names.reversed().stream().map(name -> spec(name, DType.F32)).toList());
    assertThat(sorted).extracting(TensorSpec::name).isEqualTo(names);
  }

  @Test
  void controlCharactersAreEscapedAsSerdeDoes() {
    byte[] header =
        SafetensorsHeader.encode(List.of(spec("\"\\\b\f\n\r\t\u001b\u007f/é", DType.U8)));
    assertThat(json(header)).contains("\"\\\"\\\\\\b\\f\\n\\r\\t\\u001b\u007f/é\":");
  }

  @Test
  void headerPastTheLimitIsRefused() {
    List<TensorSpec> tensors =
        List.of(spec("a".repeat(50_000_000), DType.U8), spec("b".repeat(50_000_000), DType.U8));
    assertThatThrownBy(() -> SafetensorsHeader.encode(tensors))
        .isInstanceOfSatisfying(
            CheckpointFormatException.class,
            e -> assertThat(e.fault()).isEqualTo(CheckpointFault.HEADER_TOO_LARGE));
  }

  @Test
  void nameTwiceIsRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> SafetensorsHeader.encode(List.of(spec("a", DType.U8), spec("a", DType.F32))));
  }

  @Test
  void reservedNameIsRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SafetensorsHeader.encode(List.of(spec("__metadata__", DType.U8))));
  }

  @Test
  void halfASurrogatePairIsRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SafetensorsHeader.encode(List.of(spec("\ud800", DType.U8))));
  }
}
