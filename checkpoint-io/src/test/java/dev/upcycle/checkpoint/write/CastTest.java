package dev.upcycle.checkpoint.write;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.checkpoint.DType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;

class CastTest {
  private static List<JsonNode> goldenCasts() {
    List<JsonNode> casts = new ArrayList<>();
    Golden.json("casts/index.json").path("casts").forEach(casts::add);
    return casts;
  }

  private static ByteBuffer little(byte[] bytes) {
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static byte[] cast(Cast cast, byte[] source) {
    ByteBuffer target = ByteBuffer.allocate(source.length / cast.fromBytes() * cast.toBytes());
    cast.apply(ByteBuffer.wrap(source), target);
    return target.array();
  }

  /// The element with the sign of any NaN and its payload taken away.
  private static long bits(DType dtype, byte[] data, int index) {
    return switch (dtype) {
      case F64 -> Double.doubleToLongBits(little(data).getDouble(index * 8));
      case F32 -> Float.floatToIntBits(little(data).getFloat(index * 4));
      case F16 -> sixteen(little(data).getShort(index * 2), 0x7c00);
      case BF16 -> sixteen(little(data).getShort(index * 2), 0x7f80);
      case BOOL,
          F4,
          F6_E2M3,
          F6_E3M2,
          U8,
          I8,
          F8_E5M2,
          F8_E4M3,
          F8_E8M0,
          F8_E4M3FNUZ,
          F8_E5M2FNUZ,
          I16,
          U16,
          I32,
          U32,
          C64,
          I64,
          U64 ->
          throw new AssertionError(dtype);
    };
  }

  private static long sixteen(short bits, int infinity) {
    return (bits & 0x7fff) > infinity ? infinity + 1 : bits & 0xffff;
  }

  @ParameterizedTest
  @MethodSource("goldenCasts")
  void everyElementIsTheNearestOneTiesToEven(JsonNode golden) {
    Cast cast =
        new Cast(
            DType.valueOf(golden.path("from").asString()),
            DType.valueOf(golden.path("to").asString()));
    byte[] actual = cast(cast, Golden.bytes("casts/" + golden.path("in").asString()));
    byte[] expected = Golden.bytes("casts/" + golden.path("out").asString());
    assertThat(actual).hasSameSizeAs(expected);
    assertThat(golden.path("count").asInt()).isPositive();
    for (int i = 0; i < golden.path("count").asInt(); i++) {
      assertThat(bits(cast.to(), actual, i))
          .as("element %d", i)
          .isEqualTo(bits(cast.to(), expected, i));
    }
  }

  @Test
  void roundingTwiceAsTorchDoesWouldBeNoticed() {
    byte[] once = cast(new Cast(DType.F64, DType.F16), Golden.bytes("casts/f64-f16.in.bin"));
    assertThat(once).isNotEqualTo(Golden.bytes("casts/f64-f16.torch.bin"));
  }

  @Test
  void aFiniteElementThatBecomesInfiniteIsReportedByItsPosition() {
    ByteBuffer source = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN);
    source.putFloat(Float.POSITIVE_INFINITY).putFloat(65519).putFloat(65520).putFloat(1e30f).flip();
    OptionalInt first = new Cast(DType.F32, DType.F16).apply(source, ByteBuffer.allocate(8));
    assertThat(first).hasValue(2);
  }

  @Test
  void aDoubleBeyondTheRangeOfSingleIsReported() {
    ByteBuffer source = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN);
    source.putDouble(Double.NaN).putDouble(-1e300).flip();
    assertThat(new Cast(DType.F64, DType.F32).apply(source.duplicate(), ByteBuffer.allocate(8)))
        .hasValue(1);
    assertThat(
            new Cast(DType.F64, DType.BF16)
                .apply(source.duplicate().order(ByteOrder.LITTLE_ENDIAN), ByteBuffer.allocate(4)))
        .hasValue(1);
  }

  @Test
  void infinitiesThatWereThereAreNotReported() {
    ByteBuffer source = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN);
    source.putFloat(Float.NEGATIVE_INFINITY).flip();
    assertThat(new Cast(DType.F32, DType.BF16).apply(source, ByteBuffer.allocate(2))).isEmpty();
  }

  @Test
  void onlyFloatingPointTypesAreCast() {
    assertThat(Cast.possible(DType.F32, DType.BF16)).isTrue();
    assertThat(Cast.possible(DType.I64, DType.BF16)).isFalse();
    assertThat(Cast.possible(DType.F8_E4M3, DType.BF16)).isFalse();
    assertThatThrownBy(() -> new Cast(DType.I32, DType.F32))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("I32");
  }
}
