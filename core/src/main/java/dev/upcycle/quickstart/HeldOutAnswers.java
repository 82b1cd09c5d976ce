package dev.upcycle.quickstart;

import dev.upcycle.chat.LlavaTemplate;
import dev.upcycle.data.RowFile;
import dev.upcycle.evaluate.SampleEvaluation;
import dev.upcycle.evaluate.SampleEvaluator;
import dev.upcycle.model.ModelOptions;
import dev.upcycle.model.Workspace;
import dev.upcycle.sample.DrawnData;
import dev.upcycle.text.ImageReading;
import dev.upcycle.text.SampleReader;
import dev.upcycle.text.TextModel;
import java.nio.file.Path;

/// The questions about combinations that no stage shows, put to a model.
///
/// An answer is right where each of its tokens and the end after it is the likeliest, given those
/// before: what greedy generation would say, found in one pass.
///
/// @param data folder of a [DrawnData]
/// @param options of the model
/// @param most questions that are put
record HeldOutAnswers(Path data, ModelOptions options, long most) {
  private static final int UNCUT = 4096;

  SampleEvaluation of(Path directory) throws InterruptedException {
    try (TextModel opened = TextModel.open(directory, options);
        RowFile rows = RowFile.open(data.resolve(DrawnData.HELD_OUT))) {
      ImageReading reading = ImageReading.find(opened).orElseThrow();
      SampleReader reader =
          new SampleReader(
              reading, LlavaTemplate.MISTRAL_INSTRUCT_SYSTEM, data.resolve(DrawnData.IMAGES));
      SampleEvaluator evaluator = new SampleEvaluator(reading.llava(), UNCUT);
      for (long row = 0; row < Math.min(most, rows.rows()); row++) {
        if (Thread.interrupted()) {
          throw new InterruptedException();
        }
        try (Workspace _ = Workspace.open()) {
          evaluator.add(reader.read(rows, row));
        }
      }
      return evaluator.evaluation();
    }
  }
}
