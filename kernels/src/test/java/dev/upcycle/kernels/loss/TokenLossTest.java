package dev.upcycle.kernels.loss;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.kernels.Closeness;
import dev.upcycle.kernels.ScopePerTest;
import dev.upcycle.kernels.ffn.Linear;
import dev.upcycle.kernels.tensor.Gradients;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.Tensors;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(ScopePerTest.class)
class TokenLossTest {
  private static final int VOCAB = 11;
  private static final long[] LABELS = {3, -100, 0, 10, 7, -100, 1};
  private final Tensor hidden = Tensors.normal(1, LABELS.length, 5);
  private final Tensor head = Tensors.normal(2, VOCAB, 5);
  private final Tensor labels = Tensors.of(LABELS);

  private double[] loops() {
    float[] logits = hidden.matmul(head.transpose(0, 1)).toFloats();
    double[] losses = new double[LABELS.length];
    for (int token = 0; token < LABELS.length; token++) {
      double sum = 0;
      for (int word = 0; word < VOCAB; word++) {
        sum += Math.exp(logits[token * VOCAB + word]);
      }
      int label = (int) LABELS[token];
      losses[token] = label < 0 ? 0 : Math.log(sum) - logits[token * VOCAB + label];
    }
    return losses;
  }

  @Test
  void eachTokensLossMatchesTheLoopsInAnyChunks() {
    for (long chunk : new long[] {1, 3, 7, 100}) {
      float[] losses = new TokenLoss(-100, chunk).each(hidden, Linear.of(head), labels).toFloats();
      double[] expected = loops();
      for (int token = 0; token < expected.length; token++) {
        assertThat((double) losses[token]).isCloseTo(expected[token], Offset.offset(1e-5));
      }
    }
  }

  @Test
  void theMeanCountsOnlyTokensWithALabel() {
    double sum = 0;
    for (double loss : loops()) {
      sum += loss;
    }
    Tensor tracked = Gradients.track(head);
    double mean = TokenLoss.usual().backward(hidden, Linear.of(tracked), labels).mean().item();
    assertThat(mean).isCloseTo(sum / 5, Offset.offset(1e-5));
  }

  @Test
  void derivativesInChunksAreThoseOfTheWhole() {
    Tensor wholeHead = Gradients.track(head.copy());
    Tensor chunkedHead = Gradients.track(head.copy());
    var whole = new TokenLoss(-100, 100).backward(hidden, Linear.of(wholeHead), labels);
    var chunked = new TokenLoss(-100, 2).backward(hidden, Linear.of(chunkedHead), labels);
    assertThat(Closeness.relativeError(whole.derivative(), chunked.derivative())).isLessThan(1e-6);
    Tensor expected = Gradients.find(wholeHead).orElseThrow();
    Tensor actual = Gradients.find(chunkedHead).orElseThrow();
    assertThat(Closeness.relativeError(expected, actual)).isLessThan(1e-5);
  }

  @Test
  void theDerivativeIsThatOfFiniteDifferences() {
    Tensor tracked = Gradients.track(head);
    Tensor derivative = TokenLoss.usual().backward(hidden, Linear.of(tracked), labels).derivative();
    float[] analytic = derivative.toFloats();
    for (int i = 0; i < analytic.length; i += 4) {
      double slope = (meanAt(i, 1e-2f) - meanAt(i, -1e-2f)) / 2e-2;
      assertThat((double) analytic[i]).isCloseTo(slope, Offset.offset(1e-3));
    }
  }

  private double meanAt(int element, float step) {
    float[] values = hidden.toFloats();
    values[element] += step;
    Tensor moved = Tensors.of(values, LABELS.length, 5);
    return TokenLoss.usual().each(moved, Linear.of(head), labels).sum().item() / 5;
  }

  @Test
  void aChunkWithoutTokensIsRefused() {
    assertThatThrownBy(() -> new TokenLoss(-100, 0)).isInstanceOf(IllegalArgumentException.class);
  }
}
