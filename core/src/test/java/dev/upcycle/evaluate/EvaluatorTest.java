package dev.upcycle.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.upcycle.sample.SampleModel;
import dev.upcycle.text.TextModel;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EvaluatorTest {
  private static final String TEXT = "The Rays of Light are refracted by the Glass. ".repeat(8);

  @TempDir private Path folder;

  @BeforeEach
  void writeSample() {
    SampleModel.writeTo(folder.resolve("dense"));
  }

  private Evaluator evaluator(TextModel model) {
    return new Evaluator(
        List.of(new EvaluatedText("text", model.encode(TEXT))),
        new Strides(64, 32),
        Evaluator.Listener.SILENT);
  }

  @Test
  void perplexityIsThatOfEveryTokenOnce() throws InterruptedException {
    try (TextModel model = TextModel.open(folder.resolve("dense"), "cpu", "f32")) {
      Evaluation evaluation = evaluator(model).evaluate(model.model());

      assertThat(evaluation.scored()).isEqualTo(evaluation.tokens() - 1);
      // The sample was trained on such text: far below the 259 of a uniform guess.
      assertThat(evaluation.perplexity()).isBetween(1.5, 30.0);
      assertThat(evaluation.layers()).isEmpty();
    }
  }

  @Test
  void modelComparedWithItselfDoesNotDiffer() throws InterruptedException {
    try (TextModel model = TextModel.open(folder.resolve("dense"), "cpu", "f32")) {
      Comparison comparison = evaluator(model).compare(model.model(), model.model());

      assertThat(comparison.loss().mean()).isZero();
      assertThat(comparison.divergence()).isCloseTo(0, within(1e-7));
      assertThat(comparison.agreement()).isEqualTo(1);
    }
  }
}
