package dev.upcycle.kernels.vision;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.kernels.ScopePerTest;
import dev.upcycle.kernels.tensor.Gradients;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.Tensors;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(ScopePerTest.class)
class PatchEmbeddingTest {
  private static final Offset<Float> CLOSE = Offset.offset(1e-5f);
  private static final int CHANNELS = 3;
  private static final int HEIGHT = 7;
  private static final int WIDTH = 9;
  private static final int PATCH = 3;
  private static final int HIDDEN = 5;
  private static final int ROWS = HEIGHT / PATCH;
  private static final int COLUMNS = WIDTH / PATCH;
  private final Tensor pixels = Tensors.normal(1, 2, CHANNELS, HEIGHT, WIDTH);
  private final Tensor kernel = Tensors.normal(2, HIDDEN, CHANNELS, PATCH, PATCH);
  private final Tensor bias = Tensors.normal(3, HIDDEN);

  /// The convolution's definition.
  private float convolved(int image, int place, int out) {
    float[] x = pixels.toFloats();
    float[] weights = kernel.toFloats();
    int top = place / COLUMNS * PATCH;
    int left = place % COLUMNS * PATCH;
    double sum = bias.toFloats()[out];
    for (int c = 0; c < CHANNELS; c++) {
      for (int i = 0; i < PATCH * PATCH; i++) {
        int row = top + i / PATCH;
        int column = left + i % PATCH;
        sum +=
            (double) x[((image * CHANNELS + c) * HEIGHT + row) * WIDTH + column]
                * weights[(out * CHANNELS + c) * PATCH * PATCH + i];
      }
    }
    return (float) sum;
  }

  @Test
  void itIsAConvolutionThatLeavesTheRestOfRowsAndColumnsOut() {
    Tensor y = new PatchEmbedding(kernel, bias).forward(pixels);
    assertThat(y.shape()).containsExactly(2, ROWS * COLUMNS, HIDDEN);
    float[] found = y.toFloats();
    for (int i = 0; i < found.length; i++) {
      int place = i / HIDDEN % (ROWS * COLUMNS);
      assertThat(found[i])
          .isCloseTo(convolved(i / HIDDEN / (ROWS * COLUMNS), place, i % HIDDEN), CLOSE);
    }
  }

  @Test
  void gradientsReachTheKernelAndTheBias() {
    Gradients.track(kernel);
    Gradients.track(bias);
    Gradients.backward(new PatchEmbedding(kernel, bias).forward(pixels).sum());
    assertThat(Gradients.find(kernel).orElseThrow().shape()).isEqualTo(kernel.shape());
    assertThat(Gradients.find(bias).orElseThrow().toFloats()).containsOnly(2 * ROWS * COLUMNS);
  }

  @Test
  void theClassTokenComesBeforeThePatchesAndEachPlaceHasItsPosition() {
    PatchEmbedding patches = new PatchEmbedding(kernel, null);
    Tensor token = Tensors.normal(4, HIDDEN);
    Tensor positions = Tensors.normal(5, 1 + ROWS * COLUMNS, HIDDEN);
    Tensor y = new ImageEmbedding(patches, token, positions).forward(pixels);
    assertThat(y.narrow(1, 0, 1).isEqualTo(token.plus(positions.narrow(0, 0, 1)).expand(2, 1, 5)))
        .isTrue();
    Tensor rest = patches.forward(pixels).plus(positions.narrow(0, 1, ROWS * COLUMNS));
    assertThat(y.narrow(1, 1, ROWS * COLUMNS).isEqualTo(rest)).isTrue();
  }

  @Test
  void aPositionTableForAnotherSizeIsRefused() {
    ImageEmbedding embedding =
        new ImageEmbedding(new PatchEmbedding(kernel, null), null, Tensors.normal(5, 9, HIDDEN));
    assertThatThrownBy(() -> embedding.forward(pixels))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("images of 7 by 9 pixels have 6 places, the tower has positions for 9");
  }
}
