package dev.upcycle.generate;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.data.TextStream;
import dev.upcycle.sample.SampleModel;
import dev.upcycle.text.TextModel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TextGeneratorTest {
  @TempDir private Path folder;

  @BeforeEach
  void writeSample() {
    SampleModel.writeTo(folder.resolve("dense"));
  }

  @Test
  void greedyTextOfTheSampleIsThatOfTransformers() throws InterruptedException {
    try (TextModel model = TextModel.open(folder.resolve("dense"), "cpu", "f32")) {
      List<Long> prompt = model.encode("The capital of France is");
      TextStream stream = new TextStream(model.tokenizer()::decode, prompt);
      StringBuilder text = new StringBuilder();

      new TextGenerator(model.model(), new Sampler(new Sampling.Greedy()), Set.of())
          .generate(prompt, 64, id -> text.append(stream.append(id)));

      // test-fixtures/interop/results/reference-sample.json
      assertThat(text.append(stream.rest()).toString())
          .isEqualTo(" more constitute the same manner that the Rays of Light in the f");
    }
  }

  @Test
  void endOfSequenceEndsTheTextAndIsNotHeard() throws InterruptedException {
    try (TextModel model = TextModel.open(folder.resolve("dense"), "cpu", "f32")) {
      List<Long> prompt = model.encode("The capital of France is");
      List<Long> heard = new ArrayList<>();

      Generation generation =
          new TextGenerator(model.model(), new Sampler(new Sampling.Greedy()), Set.of((long) 'r'))
              .generate(prompt, 64, heard::add);

      assertThat(generation.stop()).isEqualTo(Generation.Stop.END_OF_SEQUENCE);
      assertThat(generation.tokens()).endsWith((long) 'r');
      assertThat(heard).isEqualTo(generation.said());
    }
  }
}
