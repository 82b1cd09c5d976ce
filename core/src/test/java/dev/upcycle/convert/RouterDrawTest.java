package dev.upcycle.convert;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.upcycle.checkpoint.DType;
import dev.upcycle.plan.SeedTree;
import dev.upcycle.recipe.RouterInit;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Test;

/// Expected values come from the documented formulas computed by CPython's own arithmetic.
class RouterDrawTest {
  private static final long SEED = -9123618126826771819L;

  private static int bits(RouterDraw draw, long element) {
    return draw.bytes(element, 1).order(ByteOrder.LITTLE_ENDIAN).getInt();
  }

  @Test
  void aSeedFollowsFromRootAndName() {
    assertThat(new SeedTree(7).seed("model.layers.0.block_sparse_moe.gate.weight")).isEqualTo(SEED);
  }

  @Test
  void normalValuesFollowTheFormula() {
    RouterDraw draw = new RouterDraw(new RouterInit.Normal(0.5), SEED, DType.F32);
    assertThat(new int[] {bits(draw, 0), bits(draw, 1), bits(draw, 65536)})
        .containsExactly(0xbe76bdf6, 0xbf1492ec, 0xbdf5bc00);
  }

  @Test
  void uniformValuesFollowTheFormula() {
    RouterDraw draw = new RouterDraw(new RouterInit.Uniform(0.25), SEED, DType.F32);
    assertThat(new int[] {bits(draw, 0), bits(draw, 1), bits(draw, 2)})
        .containsExactly(0xbe40910b, 0x3c4da790, 0x3e74c34e);
  }

  @Test
  void chunksGiveTheSameBytesAsOneDraw() {
    RouterDraw draw = new RouterDraw(new RouterInit.Normal(1), SEED, DType.BF16);
    ByteBuffer chunks = ByteBuffer.allocate(20);
    chunks.put(draw.bytes(0, 3)).put(draw.bytes(3, 7));
    assertThat(chunks.array()).isEqualTo(draw.bytes(0, 10).array());
  }

  @Test
  void elementsBeyond32BitsFollowTheFormula() {
    RouterDraw normal = new RouterDraw(new RouterInit.Normal(0.5), SEED, DType.F32);
    RouterDraw uniform = new RouterDraw(new RouterInit.Uniform(0.25), SEED, DType.F32);
    assertThat(new int[] {bits(normal, (1L << 31) + 5), bits(normal, 1L << 33)})
        .containsExactly(0x3ec7f039, 0xbf00d4fd);
    assertThat(new int[] {bits(uniform, (1L << 31) + 5), bits(uniform, 1L << 33)})
        .containsExactly(0xbdae425d, 0x3defeb3a);
  }

  @Test
  void brainFloatsAreTheFloatsRounded() {
    ByteBuffer values =
        new RouterDraw(new RouterInit.Normal(0.5), SEED, DType.BF16)
            .bytes(0, 2)
            .order(ByteOrder.LITTLE_ENDIAN);
    assertThat(new short[] {values.getShort(), values.getShort()})
        .containsExactly((short) 0xbe77, (short) 0xbf15);
  }

  /// A million draws: each moment within six of its own standard errors.
  @Test
  void theMomentsAreThoseOfTheDistribution() {
    int count = 1_000_000;
    double[] normal = moments(new RouterInit.Normal(1), count);
    assertThat(normal[1]).isCloseTo(0, within(6 / Math.sqrt(count)));
    assertThat(normal[2]).isCloseTo(1, within(6 * Math.sqrt(2.0 / count)));
    assertThat(normal[4]).isCloseTo(3, within(6 * Math.sqrt(96.0 / count)));
    double[] uniform = moments(new RouterInit.Uniform(1), count);
    assertThat(uniform[1]).isCloseTo(0, within(6 * Math.sqrt(1.0 / 3 / count)));
    assertThat(uniform[2]).isCloseTo(1.0 / 3, within(6 * Math.sqrt(4.0 / 45 / count)));
    assertThat(uniform[4]).isCloseTo(1.0 / 5, within(6 * Math.sqrt(16.0 / 225 / count)));
  }

  /// The mean of each power up to the fourth.
  private static double[] moments(RouterInit.Drawn init, int count) {
    ByteBuffer values =
        new RouterDraw(init, SEED, DType.F32).bytes(0, count).order(ByteOrder.LITTLE_ENDIAN);
    double[] sums = new double[5];
    while (values.hasRemaining()) {
      double value = values.getFloat();
      for (int power = 1; power < sums.length; power++) {
        sums[power] += Math.pow(value, power) / count;
      }
    }
    return sums;
  }

  @Test
  void aSpreadBeyondTheDtypesRangeIsRefused() {
    RouterDraw draw = new RouterDraw(new RouterInit.Uniform(1e30), SEED, DType.F16);
    assertThatThrownBy(() -> draw.bytes(0, 4))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("F16");
  }
}
