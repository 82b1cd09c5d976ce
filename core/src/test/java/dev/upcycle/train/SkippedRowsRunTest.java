package dev.upcycle.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.data.DataException;
import dev.upcycle.data.SkipLimit;
import dev.upcycle.plan.PlanException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Bad rows that a run passes over, in what it learns from and in what measures it.
class SkippedRowsRunTest {
  private static final String GOOD =
      """
      {"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "bc"}]}
      """;
  private static final String RECIPE =
      """
      recipe: 1
      train:
        stages:
          - name: talk
            rates: {all: 1.0e-3}
            batch: 2
            epochs: 3
            checkpoint: {every: 1}
            data: {path: rows.jsonl, template: v1, max_tokens: 256}
            validate: {path: measured.jsonl, every: 1}
      """;

  @TempDir private Path folder;
  private Runs runs;

  @BeforeEach
  void write() throws IOException {
    runs = new Runs(folder);
    Files.writeString(folder.resolve("rows.jsonl"), GOOD + GOOD + "7\n" + GOOD);
    Files.writeString(folder.resolve("measured.jsonl"), GOOD + "8\n" + GOOD);
  }

  private TrainRun.Request request(long skip, String yaml) {
    TrainRun.Request plain = runs.request(yaml);
    return new TrainRun.Request(
        plain.source(), plain.recipe(), plain.device(), plain.threads(), new SkipLimit(skip));
  }

  /// Keeps the rows that were passed over.
  private static class Heard implements TrainListener {
    final List<String> faults = new ArrayList<>();

    @Override
    public void passedOver(DataException fault) {
      faults.add(String.valueOf(fault.getMessage()));
    }
  }

  private TrainRun.Result run(String out, long skip, TrainListener listener) {
    return run(out, skip, listener, RECIPE);
  }

  private TrainRun.Result run(String out, long skip, TrainListener listener, String yaml) {
    return TrainRun.run(request(skip, yaml), folder.resolve(out), TrainRun.Mode.FRESH, listener);
  }

  @Test
  void aRowIsToldOnceOverAllEpochsAndMeasurements() {
    Heard heard = new Heard();

    run("run", 2, heard);

    assertThat(heard.faults)
        .hasSize(2)
        .anySatisfy(fault -> assertThat(fault).contains("rows.jsonl, row 2: "))
        .anySatisfy(fault -> assertThat(fault).contains("measured.jsonl, row 1: "));
  }

  @Test
  void rowsOfTheValidationCountAgainstTheSameLimit() {
    assertThatThrownBy(() -> run("run", 1, TrainListener.SILENT))
        .isInstanceOf(DataException.class)
        .hasMessageContaining(".jsonl, row ")
        .hasMessageContaining("it is bad row 2, and at most 1 are passed over");
  }

  @Test
  void aRowThatIsLearnedFromAndMeasuredOnCountsOnce() throws IOException {
    Files.copy(folder.resolve("rows.jsonl"), folder.resolve("both.jsonl"));
    Heard heard = new Heard();

    run("run", 1, heard, RECIPE.replaceAll("(rows|measured)[.]jsonl", "both.jsonl"));

    assertThat(heard.faults).hasSize(1);
  }

  @Test
  void aTextThatMeasuresIsReadBeforeTheFirstStep() throws IOException {
    Files.writeString(folder.resolve("words.txt"), "The Rays of Light ".repeat(99));
    Files.write(folder.resolve("latin.txt"), new byte[] {'a', (byte) 0xe9, 'b'});
    List<StepReport> steps = new ArrayList<>();
    TrainListener counting =
        new TrainListener() {
          @Override
          public void stepped(StepReport step) {
            steps.add(step);
          }
        };

    String texts =
        RECIPE
            .replace("rows.jsonl, template: v1", "words.txt")
            .replace("measured.jsonl, every: 1", "latin.txt, every: 3");
    assertThatThrownBy(() -> run("run", 0, counting, texts))
        .isInstanceOf(PlanException.class)
        .hasMessageContaining("latin.txt, row 0: not text in UTF-8");
    assertThat(steps).isEmpty();
  }

  @Test
  void measurementsWithoutAnyGoodRowAreAnError() throws IOException {
    Files.writeString(folder.resolve("measured.jsonl"), "8\n");

    assertThatThrownBy(() -> run("run", 5, TrainListener.SILENT))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("measured.jsonl");
  }

  @Test
  void aResumedRunKeepsItsCountAndItsBytes() {
    TrainRun.Result whole = run("whole", 2, TrainListener.SILENT);
    TrainListener interrupting =
        new TrainListener() {
          @Override
          public void stepped(StepReport step) {
            if (step.step() == 3) {
              Thread.currentThread().interrupt();
            }
          }
        };
    assertThatThrownBy(() -> run("cut", 2, interrupting)).isInstanceOf(CancellationException.class);

    TrainRun.Result resumed =
        TrainRun.run(
            request(2, RECIPE), folder.resolve("cut"), TrainRun.Mode.RESUME, TrainListener.SILENT);

    String last = "checkpoints/step-" + whole.steps();
    Runs.assertSameBytes(resumed.model(), whole.model());
    Runs.assertSameBytes(
        folder.resolve("cut").resolve(last), folder.resolve("whole").resolve(last));
  }
}
