package dev.upcycle.generate;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.kernels.tensor.Gradients;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.TensorScope;
import dev.upcycle.kernels.tensor.Tensors;
import dev.upcycle.model.ForwardPass;
import dev.upcycle.model.GoldenCase;
import dev.upcycle.model.LlavaModel;
import dev.upcycle.model.ModelOptions;
import dev.upcycle.text.ImagePrompt;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ImageGenerationTest {
  private static final int TOKENS = 6;

  private static Tensor batch(List<Long> ids) {
    return Tensors.of(ids.stream().mapToLong(Long::longValue).toArray()).unsqueeze(0);
  }

  /// The likeliest tokens when every one is computed from the beginning, images included.
  private static List<Long> withoutCache(LlavaModel model, ImagePrompt prompt, Tensor pixels) {
    List<Long> ids = new ArrayList<>(prompt.ids());
    try (Gradients.Pause _ = Gradients.pause()) {
      for (int i = 0; i < TOKENS; i++) {
        Tensor logits = model.forward(batch(ids), pixels, ForwardPass.plain()).logits();
        ids.add(logits.narrow(1, ids.size() - 1, 1).reshape(1, -1).argmax().toLongs()[0]);
      }
    }
    return ids.subList(prompt.ids().size(), ids.size());
  }

  @ParameterizedTest
  @ValueSource(strings = {"llava", "llava-moe", "llava-mixtral"})
  void theCacheHoldsTheImagesToo(String name) throws InterruptedException {
    GoldenCase golden = GoldenCase.vision(name);
    try (TensorScope _ = TensorScope.open();
        LlavaModel model = LlavaModel.open(golden.checkpoint(), ModelOptions.cpu())) {
      Tensor pixels = golden.tensor("pixel_values");
      Tensor own = pixels.narrow(0, 0, pixels.size(0) / golden.ids().size(0));
      List<Long> ids =
          Arrays.stream(golden.ids().narrow(0, 0, 1).squeeze(0).toLongs()).boxed().toList();
      ImagePrompt prompt = new ImagePrompt(model, ids, own);
      Generation generation =
          new TextGenerator(model.language(), new Sampler(new Sampling.Greedy()), Set.of())
              .generate(new Beginning(ids, prompt::embed), TOKENS, _ -> {});
      assertThat(generation.tokens()).isEqualTo(withoutCache(model, prompt, own));
      assertThat(generation.prompt()).isEqualTo(ids);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"llava", "llava-moe"})
  void anotherImageIsReadOtherwise(String name) {
    GoldenCase golden = GoldenCase.vision(name);
    try (TensorScope _ = TensorScope.open();
        LlavaModel model = LlavaModel.open(golden.checkpoint(), ModelOptions.cpu())) {
      Tensor pixels = golden.tensor("pixel_values");
      List<Long> ids =
          Arrays.stream(golden.ids().narrow(0, 0, 1).squeeze(0).toLongs()).boxed().toList();
      long images = pixels.size(0) / golden.ids().size(0);
      Tensor seen = new ImagePrompt(model, ids, pixels.narrow(0, 0, images)).embed(batch(ids));
      Tensor other =
          new ImagePrompt(model, ids, pixels.narrow(0, 0, images).negated()).embed(batch(ids));
      assertThat(seen.isEqualTo(other)).isFalse();
    }
  }
}
