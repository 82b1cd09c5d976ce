package dev.upcycle.verify;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.checkpoint.DType;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Locale;
import java.util.Objects;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RoundToNearestEvenTest {
  @ParameterizedTest
  @CsvSource({
    "F32, BF16",
    "F32, F16",
    "F64, F32",
    "F64, BF16",
    "F64, F16",
    "BF16, F16",
    "BF16, F32",
    "F16, BF16",
    "F16, F32"
  })
  void agreesWithExactRationalArithmetic(DType from, DType to) throws IOException {
    String pair = (from + "-" + to).toLowerCase(Locale.ROOT);
    ByteBuffer in = golden(pair + ".in.bin");
    ByteBuffer expected = golden(pair + ".out.bin");
    ByteBuffer actual = buffer(expected.limit());

    RoundToNearestEven.cast(in, from, actual, to);

    int width = to.bits() / Byte.SIZE;
    assertThat(expected.limit()).isPositive();
    for (int at = 0; at < expected.limit(); at += width) {
      double wanted = RoundToNearestEven.read(expected, at, to);
      double found = RoundToNearestEven.read(actual, at, to);
      assertThat(found).as("element %d of %s", at / width, pair).isEqualTo(Double.valueOf(wanted));
    }
  }

  @Test
  void agreesWithThePlatformsHalfOverRandomBits() {
    SplittableRandom random = new SplittableRandom(5);
    ByteBuffer in = buffer(Float.BYTES);
    ByteBuffer out = buffer(Short.BYTES);
    for (int i = 0; i < 200_000; i++) {
      float value = Float.intBitsToFloat(random.nextInt());
      in.putFloat(0, value);

      RoundToNearestEven.cast(in, DType.F32, out, DType.F16);

      float expected = Float.float16ToFloat(Float.floatToFloat16(value));
      assertThat(Float.floatToIntBits(Float.float16ToFloat(out.getShort(0))))
          .isEqualTo(Float.floatToIntBits(expected));
    }
  }

  private static ByteBuffer golden(String name) throws IOException {
    try (InputStream in =
        Objects.requireNonNull(
            RoundToNearestEvenTest.class.getResourceAsStream(
                "/dev/upcycle/fixtures/golden/casts/" + name))) {
      return ByteBuffer.wrap(in.readAllBytes()).order(ByteOrder.LITTLE_ENDIAN);
    }
  }

  private static ByteBuffer buffer(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }
}
