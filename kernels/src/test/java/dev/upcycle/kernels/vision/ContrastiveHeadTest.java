package dev.upcycle.kernels.vision;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.kernels.ScopePerTest;
import dev.upcycle.kernels.ffn.Linear;
import dev.upcycle.kernels.tensor.DType;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.Tensors;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(ScopePerTest.class)
class ContrastiveHeadTest {
  private final Linear image = Linear.of(Tensors.normal(1, 4, 6));
  private final Linear text = Linear.of(Tensors.normal(2, 4, 5));
  private final Tensor logFactor = Tensors.full(DType.F32, 1.5);
  private final ContrastiveHead head =
      new ContrastiveHead(image, text, new ContrastiveHead.Scale(logFactor, null));

  @Test
  void logitsAreCosinesTimesTheScale() {
    Tensor images = Tensors.normal(3, 2, 6);
    Tensor texts = Tensors.normal(4, 3, 5);
    float[] found = head.logits(head.embedImages(images), head.embedTexts(texts)).toFloats();
    float[] left = image.forward(images).toFloats();
    float[] right = text.forward(texts).toFloats();
    for (int i = 0; i < 6; i++) {
      double product = 0;
      double ofImage = 0;
      double ofText = 0;
      for (int d = 0; d < 4; d++) {
        double a = left[i / 3 * 4 + d];
        double b = right[i % 3 * 4 + d];
        product += a * b;
        ofImage += a * a;
        ofText += b * b;
      }
      double cosine = product / Math.sqrt(ofImage * ofText);
      assertThat(found[i]).isCloseTo((float) (cosine * Math.exp(1.5)), Offset.offset(1e-5f));
    }
  }

  @Test
  void withoutMapsTheVectorsThemselvesAreComparedAndABiasIsAdded() {
    Tensor images = Tensors.normal(3, 2, 6);
    Tensor texts = Tensors.normal(4, 3, 6);
    ContrastiveHead plain =
        new ContrastiveHead(null, null, new ContrastiveHead.Scale(logFactor, null));
    ContrastiveHead biased =
        new ContrastiveHead(
            null, null, new ContrastiveHead.Scale(logFactor, Tensors.full(DType.F32, -0.75)));
    Tensor left = plain.embedImages(images);
    Tensor right = plain.embedTexts(texts);
    assertThat(left.square().sum(-1).toFloats())
        .containsExactly(new float[] {1, 1}, Offset.offset(1e-6f));
    assertThat(left.shape()).containsExactly(2, 6);
    float[] without = plain.logits(left, right).toFloats();
    float[] with = biased.logits(left, right).toFloats();
    for (int i = 0; i < without.length; i++) {
      assertThat(with[i]).isCloseTo(without[i] - 0.75f, Offset.offset(1e-6f));
    }
  }
}
