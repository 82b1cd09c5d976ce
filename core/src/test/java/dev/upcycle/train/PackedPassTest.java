package dev.upcycle.train;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.write.CheckpointWriter;
import dev.upcycle.convert.PlanExecutor;
import dev.upcycle.convert.Progress;
import dev.upcycle.kernels.attention.Documents;
import dev.upcycle.kernels.moe.NoiseCounter;
import dev.upcycle.kernels.tensor.Gradients;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.TensorScope;
import dev.upcycle.kernels.tensor.Tensors;
import dev.upcycle.model.DecoderModel;
import dev.upcycle.model.ForwardPass;
import dev.upcycle.model.ModelOptions;
import dev.upcycle.plan.Planner;
import dev.upcycle.recipe.AuxiliaryLosses;
import dev.upcycle.recipe.Stage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.assertj.core.data.Offset;
import org.assertj.core.data.Percentage;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/// Texts and conversations that share a sequence against the same by themselves.
class PackedPassTest {
  private static final double ROUNDINGS = 1e-5;

  /// A token's rotary angle is off by a rounding of its place, up to 700 here: 700 · 2⁻²⁴ = 4e-5.
  private static final double GRADIENT_ROUNDINGS = 1e-4;

  private static final List<String> TEXTS =
      List.of(
          "And if the Rays be refracted, they will be found in the second Prism.",
          "Light.",
          "For such Bodies will pass through uniform Mediums in right Lines.");

  @TempDir private static Path folder;
  private static TrainRun.Request request;
  private static Path upcycled;

  @BeforeAll
  static void upcycle() throws IOException {
    request = new Runs(folder).request(Runs.TWO_STAGES);
    upcycled = folder.resolve("moe");
    PlanExecutor.run(
        Planner.plan(request.source(), request.recipe()),
        request.source(),
        new PlanExecutor.Options(upcycled, CheckpointWriter.Mode.FRESH, 1),
        Progress.SILENT);
    Files.writeString(
        upcycled.resolve("chat_template.jinja"),
        "{% for m in messages %}{% if m['role'] == 'assistant' %}{% generation %}"
            + "{{ m['content'] }}{% endgeneration %}{% else %}{{ m['content'] }}{% endif %}\n"
            + "{% endfor %}");
  }

  /// What a text is a row of.
  enum Form {
    TEXT("text", "{\"text\": \"%s\"}"),
    CHAT(
        "chat",
        "{\"messages\": [{\"role\": \"user\", \"content\": \"Tell me of light.\"},"
            + " {\"role\": \"assistant\", \"content\": \"%s\"}]}"),
    LLAVA(
        "v1",
        "{\"conversations\": [{\"from\": \"human\", \"value\": \"Tell me of light.\"},"
            + " {\"from\": \"gpt\", \"value\": \"%s\"}]}");

    private final String template;
    private final String row;

    Form(String template, String row) {
      this.template = template;
      this.row = row;
    }
  }

  /// The sequence that holds these texts, as a stage reads it.
  private static TokenBatch sequence(Form form, List<String> texts) throws IOException {
    List<String> rows = texts.stream().map(form.row::formatted).toList();
    Files.write(folder.resolve("texts.jsonl"), rows);
    Stage stage =
        new Runs(folder)
            .request(
                Runs.TWO_STAGES,
                "train.defaults.data.path=" + folder.resolve("texts.jsonl"),
                "train.defaults.data.template=" + form.template,
                "train.defaults.data.max_tokens=1000",
                "train.defaults.batch=1",
                "train.defaults.micro_batch=1")
            .recipe()
            .recipe()
            .training()
            .orElseThrow()
            .stages()
            .getFirst();
    try (StageRows opened = StageRows.open(stage, Checkpoint.open(upcycled), request)) {
      return opened.next().getFirst();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private static List<TokenBatch> alone(Form form) throws IOException {
    List<TokenBatch> batches = new ArrayList<>();
    for (String text : TEXTS) {
      batches.add(sequence(form, List.of(text)));
    }
    return batches;
  }

  private static DecoderModel open() {
    return DecoderModel.open(Checkpoint.open(upcycled), ModelOptions.cpu());
  }

  private static Tensor logits(DecoderModel model, TokenBatch batch, @Nullable Documents texts) {
    return model.forward(batch.ids(), ForwardPass.plain().over(texts)).logits();
  }

  /// What a step without the routers' losses found.
  private record Step(double loss, Map<String, Tensor> gradients) {}

  private static Step step(
      DecoderModel model, List<TokenBatch> batches, Stage.Recomputation recomputation) {
    model.parameters().values().forEach(Gradients::clear);
    AuxiliaryLosses none = Runs.losses(AuxiliaryLosses.Balance.POOLED, 0, 0);
    StepLosses losses =
        new DecoderPass(new TrainedModel.Reading(model), new RouterLosses(none), recomputation)
            .backward(batches, new NoiseCounter(0, 0, 0, 0, 0));
    Map<String, Tensor> gradients = new LinkedHashMap<>();
    model
        .parameters()
        .forEach((name, parameter) -> {
          // Of equal experts a router's gradient is nothing but roundings.
          if (!name.contains(".gate.")) {
            Gradients.find(parameter).ifPresent(found -> gradients.put(name, found.copy()));
          }
        });
    return new Step(losses.crossEntropy(), gradients);
  }

  @ParameterizedTest
  @EnumSource
  void logitsOfPackedRowsAreThoseOfEachByItself(Form form) throws IOException {
    TokenBatch packed = sequence(form, TEXTS);
    List<TokenBatch> alone = alone(form);
    try (DecoderModel model = open();
        TensorScope _ = TensorScope.open();
        Gradients.Pause _ = Gradients.pause()) {
      Tensor expected =
          Tensors.concat(alone.stream().map(text -> logits(model, text, null)).toList(), 1);
      Tensor actual = logits(model, packed, packed.documents(model.options()));
      assertThat(error(expected, actual)).isLessThan(ROUNDINGS);
      assertThat(error(expected, logits(model, packed, null)))
          .as("with the borders ignored")
          .isGreaterThan(0.1);
    }
  }

  @ParameterizedTest
  @CsvSource({"TEXT, NONE", "TEXT, LAYERS", "CHAT, NONE", "LLAVA, LAYERS"})
  void gradientsOfPackedRowsAreThoseOfEachByItself(Form form, Stage.Recomputation recomputation)
      throws IOException {
    try (DecoderModel model = open();
        TensorScope _ = TensorScope.open()) {
      model.parameters().values().forEach(Gradients::track);
      Step alone = step(model, alone(form), recomputation);
      Step packed = step(model, List.of(sequence(form, TEXTS)), recomputation);
      assertThat(packed.loss()).isCloseTo(alone.loss(), Offset.offset(ROUNDINGS));
      assertThat(alone.gradients()).isNotEmpty();
      alone
          .gradients()
          .forEach((name, gradient) -> {
            Tensor found = Objects.requireNonNull(packed.gradients().get(name));
            assertThat(error(gradient, found)).as(name).isLessThan(GRADIENT_ROUNDINGS);
          });
    }
  }

  @ParameterizedTest
  @EnumSource
  void measuredLossOfPackedRowsIsTheSumOfThoseOfEach(Form form) throws IOException {
    TokenBatch packed = sequence(form, TEXTS);
    List<TokenBatch> alone = alone(form);
    try (DecoderModel model = open();
        TensorScope _ = TensorScope.open()) {
      AuxiliaryLosses none = Runs.losses(AuxiliaryLosses.Balance.POOLED, 0, 0);
      DecoderPass pass =
          new DecoderPass(
              new TrainedModel.Reading(model), new RouterLosses(none), Stage.Recomputation.NONE);
      assertThat(pass.sum(packed))
          .isCloseTo(alone.stream().mapToDouble(pass::sum).sum(), Percentage.withPercentage(1e-4));
    }
  }

  @Test
  void aSequenceOfOneTextNeedsNoMask() throws IOException {
    TokenBatch packed = sequence(Form.TEXT, TEXTS);
    TokenBatch one = sequence(Form.TEXT, List.of(TEXTS.getFirst()));
    try (TensorScope _ = TensorScope.open()) {
      assertThat(packed.documents(ModelOptions.cpu())).isNotNull();
      assertThat(one.documents(ModelOptions.cpu())).isNull();
    }
  }

  private static double error(Tensor expected, Tensor actual) {
    return expected.minus(actual).abs().max().item() / expected.abs().max().item();
  }
}
