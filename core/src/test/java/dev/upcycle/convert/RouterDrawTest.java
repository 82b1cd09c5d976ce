package dev.upcycle.convert;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

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
  void aSpreadBeyondTheDtypesRangeIsRefused() {
    RouterDraw draw = new RouterDraw(new RouterInit.Uniform(1e30), SEED, DType.F16);
    assertThatThrownBy(() -> draw.bytes(0, 4))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("F16");
  }
}
