package dev.upcycle.kernels.vision;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.kernels.ScopePerTest;
import dev.upcycle.kernels.tensor.Gradients;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.Tensors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(ScopePerTest.class)
class ImageSpliceTest {
  private static final int HIDDEN = 3;
  private final Tensor ids = Tensors.of(5, 9, 9, 1, 9, 9, 2, 3).view(2, 4);
  private final Tensor words = Tensors.normal(1, 2, 4, HIDDEN);
  private final Tensor features = Tensors.normal(2, 2, 2, HIDDEN);
  private final ImageSplice splice = new ImageSplice(9);

  @Test
  void featuresTakeThePlacesInOrderAndWordsStay() {
    Tensor rows = splice.into(words, ids, features).view(8, HIDDEN);
    Tensor flat = features.view(4, HIDDEN);
    int feature = 0;
    for (int place = 0; place < 8; place++) {
      Tensor expected =
          ids.view(8).toLongs()[place] == 9
              ? flat.narrow(0, feature++, 1)
              : words.view(8, HIDDEN).narrow(0, place, 1);
      assertThat(rows.narrow(0, place, 1).isEqualTo(expected)).isTrue();
    }
  }

  @Test
  void gradientsReachFeaturesAndTheWordsThatStay() {
    Gradients.track(features);
    Gradients.track(words);
    Gradients.backward(splice.into(words, ids, features).sum());
    assertThat(Gradients.find(features).orElseThrow().toFloats()).containsOnly(1);
    assertThat(Gradients.find(words).orElseThrow().sum(2).view(8).toFloats())
        .containsExactly(3, 0, 0, 3, 0, 0, 3, 3);
  }

  @Test
  void aTextWithOtherThanOnePlacePerFeatureIsRefused() {
    assertThatThrownBy(() -> splice.into(words, ids, features.narrow(0, 0, 1)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("the text keeps 4 places free for images (id 9), the images have 2 features");
  }
}
