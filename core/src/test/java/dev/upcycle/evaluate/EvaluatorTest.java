package dev.upcycle.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.upcycle.sample.SampleModel;
import dev.upcycle.text.TextModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class EvaluatorTest {
  private static final String TEXT = "The Rays of Light are refracted by the Glass. ".repeat(8);

  /// What test-fixtures/interop/smollm2_reference.py made of the sample and its held-out text.
  private static final Path REFERENCE =
      Path.of(
          System.getProperty("upcycle.root"),
          "test-fixtures/interop/results/reference-sample.json");

  private static final String BEGINNING = "perplexity_of_the_beginning";

  @TempDir private Path folder;

  @BeforeEach
  void writeSample() {
    SampleModel.writeTo(folder.resolve("dense"));
  }

  private Evaluator evaluator(TextModel model) {
    return new Evaluator(
        List.of(new EvaluatedText("text", model.ids(TEXT))),
        new Strides(64, 32),
        Evaluator.Listener.SILENT);
  }

  @Test
  void perplexityIsThatOfTransformers() throws InterruptedException, IOException {
    JsonNode stored = JsonMapper.shared().readTree(REFERENCE).required(BEGINNING);
    String text = Files.readString(folder.resolve("dense/held-out.txt"));
    try (TextModel model = TextModel.open(folder.resolve("dense"), "cpu", "f32")) {
      Evaluation evaluation =
          new Evaluator(
                  List.of(
                      new EvaluatedText(
                          "held out",
                          Arrays.copyOf(model.ids(text), stored.required("tokens").intValue()))),
                  new Strides(
                      stored.required("context").intValue(), stored.required("stride").intValue()),
                  Evaluator.Listener.SILENT)
              .evaluate(model.model());

      assertThat(evaluation.scored()).isEqualTo(stored.required("scored").longValue());
      assertThat(evaluation.perplexity() / stored.required("perplexity").doubleValue())
          .isCloseTo(1, within(1e-5));
      assertThat(evaluation.layers()).isEmpty();
    }
  }

  @Test
  void modelComparedWithItselfDoesNotDiffer() throws InterruptedException {
    try (TextModel model = TextModel.open(folder.resolve("dense"), "cpu", "f32")) {
      Comparison<Evaluation> comparison = evaluator(model).compare(model.model(), model.model());

      assertThat(comparison.loss().mean()).isZero();
      assertThat(comparison.divergence()).isCloseTo(0, within(1e-7));
      assertThat(comparison.agreement()).isEqualTo(1);
    }
  }
}
