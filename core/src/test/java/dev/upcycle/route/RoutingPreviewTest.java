package dev.upcycle.route;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.upcycle.convert.Progress;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.model.NonFiniteException;
import dev.upcycle.sample.Quickstart;
import dev.upcycle.text.TextModel;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RoutingPreviewTest {
  @TempDir private Path folder;

  @Test
  void routingByLogitsThatAreNotFiniteIsRefused() {
    Quickstart.run(folder, Progress.SILENT);
    try (TextModel model = TextModel.open(folder.resolve("moe"), "cpu", "f32")) {
      String router = "model.layers.1.block_sparse_moe.gate.weight";
      require(model.model().parameters().get(router)).timesInPlace(Double.NaN);
      LabelledText text = new LabelledText("light", model.tokenizer().tokens("Rays"));

      assertThatThrownBy(() -> RoutingPreview.of("moe", model.model(), List.of(text)))
          .isInstanceOf(NonFiniteException.class)
          .hasMessageContaining(folder.resolve("moe") + ": layer 1, text light, token 0")
          .hasMessageContaining("NaN");
    }
  }

  private static Tensor require(@Nullable Tensor tensor) {
    return Objects.requireNonNull(tensor);
  }

  @Test
  void everyTokenUsesTwoExpertsWhoseWeightsSumToOne() throws InterruptedException {
    Quickstart.run(folder, Progress.SILENT);
    try (TextModel model = TextModel.open(folder.resolve("moe"), "cpu", "f32")) {
      LabelledText light = new LabelledText("light", model.tokenizer().tokens("Rays of Light"));
      LabelledText digits = new LabelledText("digits", model.tokenizer().tokens("1 2 3 4 5"));

      RoutingPreview preview = RoutingPreview.of("moe", model.model(), List.of(light, digits));

      assertThat(preview.loads()).hasSize(4);
      assertThat(preview.texts().getFirst().layers().getFirst().choices())
          .hasSize(light.tokens().size())
          .allSatisfy(choices -> {
            assertThat(choices).hasSize(2);
            assertThat(choices.stream().mapToDouble(Choice::weight).sum())
                .isCloseTo(1, within(1e-6));
          });
      assertThat(preview.mutualInformation(0)).isPresent();
    }
  }
}
