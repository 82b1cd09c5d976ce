package dev.upcycle.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.kernels.tensor.DType;
import dev.upcycle.kernels.tensor.Device;
import dev.upcycle.kernels.tensor.Gradients;
import dev.upcycle.kernels.tensor.Tensor;
import java.io.IOException;
import java.util.List;
import java.util.Objects;
import java.util.SequencedMap;
import java.util.function.Predicate;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Towers, CLIP and LLaVA against what transformers computes. PRECISION.md gives the bounds their
/// reasons.
@ExtendWith(ScopePerTest.class)
class VisionGoldenTest {
  private static final double F32 = 1e-5;
  private static final ModelOptions BF16 = new ModelOptions(Device.CPU, DType.BF16);

  static List<String> all() throws IOException {
    return GoldenCase.visionNames();
  }

  static List<String> towers() throws IOException {
    return chosen(name -> !pairs().contains(name) && !name.startsWith("llava"));
  }

  static List<String> pairs() {
    return List.of("clip", "siglip");
  }

  static List<String> compositions() throws IOException {
    return chosen(name -> name.startsWith("llava"));
  }

  static List<String> withGradients() throws IOException {
    return chosen(name -> !GoldenCase.vision(name).gradients().isEmpty());
  }

  private static List<String> chosen(Predicate<String> wanted) throws IOException {
    return GoldenCase.visionNames().stream().filter(wanted).toList();
  }

  private static void agrees(GoldenCase golden, String name, Tensor found) {
    assertThat(found.shape()).as(name).isEqualTo(golden.tensor(name).shape());
    assertThat(GoldenCase.relativeError(golden.tensor(name), found)).as(name).isLessThan(F32);
  }

  /// Any of the three kinds of model with the inputs of its case.
  private sealed interface Subject extends AutoCloseable {
    static Subject open(GoldenCase golden, ModelOptions options) {
      Checkpoint checkpoint = golden.checkpoint();
      if (golden.has("text_embeds")) {
        return new Pair(golden, ClipModel.open(checkpoint, options));
      }
      return golden.has("ids")
          ? new Composition(golden, LlavaModel.open(checkpoint, options))
          : new Tower(golden, VisionTower.open(checkpoint, options));
    }

    /// What the model is for.
    Tensor main();

    SequencedMap<String, Tensor> parameters();

    @Override
    void close();

    record Tower(GoldenCase golden, VisionTower model) implements Subject {
      @Override
      public Tensor main() {
        VisionOutput output = model.forward(golden.tensor("pixel_values"), ForwardPass.plain());
        return output.findPooled().orElse(output.hidden());
      }

      @Override
      public SequencedMap<String, Tensor> parameters() {
        return model.parameters();
      }

      @Override
      public void close() {
        model.close();
      }
    }

    record Pair(GoldenCase golden, ClipModel model) implements Subject {
      @Override
      public Tensor main() {
        return model
            .forward(golden.tensor("pixel_values"), golden.ids(), ForwardPass.plain())
            .logits();
      }

      @Override
      public SequencedMap<String, Tensor> parameters() {
        return model.parameters();
      }

      @Override
      public void close() {
        model.close();
      }
    }

    record Composition(GoldenCase golden, LlavaModel model) implements Subject {
      @Override
      public Tensor main() {
        return model
            .forward(golden.ids(), golden.tensor("pixel_values"), ForwardPass.plain())
            .logits();
      }

      @Override
      public SequencedMap<String, Tensor> parameters() {
        return model.parameters();
      }

      @Override
      public void close() {
        model.close();
      }
    }
  }

  private static void statesAgree(GoldenCase golden, VisionTower tower) {
    Tensor pixels = golden.tensor("pixel_values");
    for (int count = 0; count <= tower.layers().size(); count++) {
      agrees(
          golden,
          "vision.hidden." + count,
          tower.states(pixels, count, ForwardPass.plain()).hidden());
    }
  }

  @ParameterizedTest
  @MethodSource("towers")
  void everyStateOfATowerIsTransformersState(String name) {
    GoldenCase golden = GoldenCase.vision(name);
    try (VisionTower tower = VisionTower.open(golden.checkpoint(), ModelOptions.cpu())) {
      statesAgree(golden, tower);
      VisionOutput output = tower.forward(golden.tensor("pixel_values"), ForwardPass.plain());
      if (golden.has("vision.last")) {
        agrees(golden, "vision.last", output.hidden());
      }
      List<LayerRouting> routings = output.routings();
      for (int i = 0; i < routings.size(); i++) {
        agrees(golden, "router." + i, routings.get(i).routing().evidence().logits());
      }
      assertThat(golden.has("router." + routings.size())).isFalse();
    }
  }

  @ParameterizedTest
  @MethodSource("all")
  void theWholeModelComputesWhatTransformersComputes(String name) {
    GoldenCase golden = GoldenCase.vision(name);
    try (Subject subject = Subject.open(golden, ModelOptions.cpu())) {
      agrees(golden, "main", subject.main());
    }
  }

  @ParameterizedTest
  @MethodSource("all")
  void bfloat16StaysWithinTransformersOwnDistance(String name) {
    GoldenCase golden = GoldenCase.vision(name);
    try (Subject subject = Subject.open(golden, BF16);
        Gradients.Pause _ = Gradients.pause()) {
      Tensor main = subject.main();
      assertThat(main.dtype()).isEqualTo(DType.BF16);
      double ours = GoldenCase.relativeError(golden.tensor("main"), main);
      assertThat(ours).isLessThan(2 * golden.number("bf16_relative_error"));
    }
  }

  @ParameterizedTest
  @MethodSource("withGradients")
  void gradientsAreTransformersGradients(String name) {
    GoldenCase golden = GoldenCase.vision(name);
    try (Subject subject = Subject.open(golden, ModelOptions.cpu())) {
      subject.parameters().values().forEach(Gradients::track);
      Tensor loss = subject.main().square().mean();
      assertThat(loss.item() / golden.number("loss")).isBetween(1 - F32, 1 + F32);
      Gradients.backward(loss);
      for (String parameter : golden.gradients()) {
        Tensor tensor = Objects.requireNonNull(subject.parameters().get(parameter), parameter);
        agrees(golden, "gradient." + parameter, Gradients.find(tensor).orElseThrow());
      }
    }
  }

  @ParameterizedTest
  @MethodSource("compositions")
  void aCompositionSeesWhatTransformersSees(String name) {
    GoldenCase golden = GoldenCase.vision(name);
    try (LlavaModel model = LlavaModel.open(golden.checkpoint(), ModelOptions.cpu())) {
      statesAgree(golden, model.vision());
      LlavaModel.Reading seen =
          model.look(
              LlavaModel.Images.whole(golden.tensor("pixel_values")),
              ForwardPass.plain(),
              LlavaModel.Depth.USED);
      Tensor features = golden.tensor("features");
      Tensor found = seen.hidden().view(features.shape());
      agrees(golden, "features", found);
    }
  }

  @ParameterizedTest
  @MethodSource("pairs")
  void bothTowersGiveTransformersVectors(String name) {
    GoldenCase golden = GoldenCase.vision(name);
    try (ClipModel model = ClipModel.open(golden.checkpoint(), ModelOptions.cpu())) {
      statesAgree(golden, model.vision());
      for (int count = 0; count <= model.text().layers().size(); count++) {
        agrees(
            golden,
            "text.hidden." + count,
            model.text().states(golden.ids(), count, ForwardPass.plain()).hidden());
      }
      TextTower.Output text = model.text().forward(golden.ids(), ForwardPass.plain());
      agrees(golden, "text.last", text.hidden());
      agrees(golden, "text.pooled", text.pooled());
      ClipModel.Output output =
          model.forward(golden.tensor("pixel_values"), golden.ids(), ForwardPass.plain());
      agrees(golden, "image_embeds", output.images());
      agrees(golden, "text_embeds", output.texts());
    }
  }
}
