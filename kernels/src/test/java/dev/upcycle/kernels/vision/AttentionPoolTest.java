package dev.upcycle.kernels.vision;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.kernels.ScopePerTest;
import dev.upcycle.kernels.attention.AttentionPattern;
import dev.upcycle.kernels.attention.GroupedQueryAttention;
import dev.upcycle.kernels.ffn.Activation;
import dev.upcycle.kernels.ffn.FeedForward;
import dev.upcycle.kernels.ffn.Linear;
import dev.upcycle.kernels.norm.Norm;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.Tensors;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(ScopePerTest.class)
class AttentionPoolTest {
  private static final int SEQ = 7;
  private static final int HIDDEN = 8;
  private static final int HEADS = 2;
  private static final int HEAD = HIDDEN / HEADS;
  private final Tensor hidden = Tensors.normal(1, 3, SEQ, HIDDEN);
  private final Tensor probe = Tensors.normal(2, 1, 1, HIDDEN);
  private final GroupedQueryAttention attention =
      new GroupedQueryAttention(
          new GroupedQueryAttention.Form(HEADS, HEADS, HEAD, new AttentionPattern.Bidirectional()),
          new GroupedQueryAttention.Projections(map(3), map(4), map(5), map(6)),
          null,
          null);
  private final Norm norm =
      new Norm.LayerNorm(Tensors.normal(7, HIDDEN), Tensors.normal(8, HIDDEN), 1e-6);
  private final FeedForward network =
      new FeedForward.TwoLayer(map(9), map(10), Activation.GELU_TANH);

  private static Linear map(long seed) {
    return new Linear(Tensors.normal(seed, HIDDEN, HIDDEN), Tensors.normal(seed + 50, HIDDEN));
  }

  /// What the probe's heads make of one image's places, by loops.
  private float[] attended(int image) {
    float[] query = attention.projections().query().forward(probe).toFloats();
    float[] keys = attention.projections().key().forward(hidden).toFloats();
    float[] values = attention.projections().value().forward(hidden).toFloats();
    float[] out = new float[HIDDEN];
    for (int head = 0; head < HEADS; head++) {
      double[] weights = new double[SEQ];
      double sum = 0;
      for (int place = 0; place < SEQ; place++) {
        double score = 0;
        for (int d = head * HEAD; d < (head + 1) * HEAD; d++) {
          score += query[d] * keys[(image * SEQ + place) * HIDDEN + d];
        }
        weights[place] = Math.exp(score / Math.sqrt(HEAD));
        sum += weights[place];
      }
      for (int d = head * HEAD; d < (head + 1) * HEAD; d++) {
        double total = 0;
        for (int place = 0; place < SEQ; place++) {
          total += weights[place] / sum * values[(image * SEQ + place) * HIDDEN + d];
        }
        out[d] = (float) total;
      }
    }
    return out;
  }

  @Test
  void theProbeReadsAllPlacesAndTheNetworkAddsToWhatItRead() {
    float[] pooled = new AttentionPool(probe, attention, norm, network).forward(hidden).toFloats();
    for (int image = 0; image < 3; image++) {
      Tensor read =
          attention.projections().output().forward(Tensors.of(attended(image), 1, HIDDEN));
      float[] expected = read.plus(network.forward(norm.forward(read))).toFloats();
      for (int d = 0; d < HIDDEN; d++) {
        assertThat(pooled[image * HIDDEN + d]).isCloseTo(expected[d], Offset.offset(1e-4f));
      }
    }
  }
}
