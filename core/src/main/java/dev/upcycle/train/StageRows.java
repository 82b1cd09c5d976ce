package dev.upcycle.train;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.data.Batch;
import dev.upcycle.data.BatchSource;
import dev.upcycle.data.DataException;
import dev.upcycle.data.ModelInput;
import dev.upcycle.data.Position;
import dev.upcycle.data.SampleOrder;
import dev.upcycle.data.SampleSet;
import dev.upcycle.data.SkipLimit;
import dev.upcycle.data.SkippedRows;
import dev.upcycle.data.StageData;
import dev.upcycle.recipe.DataSettings;
import dev.upcycle.recipe.Stage;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.concurrent.CancellationException;

/// What a stage reads: its own rows, and those that it is measured on; owns both until it is
/// closed.
final class StageRows implements AutoCloseable {
  private final Stage stage;
  private final ModelInput input;
  private final int threads;
  private final SkipLimit skip;
  private final SkippedRows skipped;
  private final SampleSet samples;
  private final BatchSource source;
  private final SequencedMap<DataSettings, SampleSet> validation = new LinkedHashMap<>();

  private StageRows(Stage stage, ModelInput input, SampleSet samples, TrainRun.Request request) {
    this.stage = stage;
    this.input = input;
    this.threads = request.threads();
    this.skip = request.skip();
    this.skipped = new SkippedRows(skip);
    this.samples = samples;
    StageData data = new StageData(stage.data(), input);
    samples.skipped().forEach(skipped::pass);
    long seed = request.recipe().recipe().seed();
    this.source =
        new BatchSource(
            samples,
            data.order(samples, stage.pace().batch(), seed),
            settings(data, BatchSource.Passes.ENDLESS));
  }

  /// Opens the rows of a stage for a model.
  ///
  /// @param model what lies beside it says how it reads
  /// @throws dev.upcycle.data.DataException when they cannot be read
  static StageRows open(Stage stage, Checkpoint model, TrainRun.Request request) {
    ModelInput input = ModelInput.of(model);
    try {
      SampleSet samples =
          new StageData(stage.data(), input).open(request.threads(), request.skip());
      if (samples.size() == 0) {
        samples.close();
        throw DataException.ofFile(
            stage.data().path(), "every row is bad and was passed over; nothing can be learned");
      }
      return new StageRows(stage, input, samples, request);
    } catch (InterruptedException e) {
      input.close();
      throw cancelled(e);
    } catch (RuntimeException e) {
      input.close();
      throw e;
    }
  }

  private BatchSource.Settings settings(StageData data, BatchSource.Passes passes) {
    return new BatchSource.Settings(
        stage.pace().microBatch(),
        data.collation(),
        skipped,
        new BatchSource.Work(threads, 4 * threads),
        passes);
  }

  private static CancellationException cancelled(InterruptedException cause) {
    CancellationException cancelled = new CancellationException("interrupted");
    cancelled.initCause(cause);
    return cancelled;
  }

  /// How many steps the stage takes.
  long steps() {
    Stage.Pace pace = stage.pace();
    long all = Math.ceilDiv((long) pace.epochs() * samples.size(), pace.batch());
    return pace.steps().map(most -> Math.min(most, all)).orElse(all);
  }

  /// The micro-batches of the next step.
  List<TokenBatch> next() throws InterruptedException {
    List<TokenBatch> batches = new ArrayList<>();
    for (int i = 0; i < stage.pace().microBatches(); i++) {
      batches.add(TokenBatch.of(source.next().orElseThrow()));
    }
    return batches;
  }

  /// The bad rows that were passed over since the last call.
  List<DataException> passedOver() {
    return skipped.told();
  }

  /// Where it stands: after the step that was given last.
  Position position() {
    return source.position();
  }

  /// Goes to a place.
  ///
  /// @throws DataException when the data have become so few that there is no such place
  void seek(Position position) {
    if (position.next() >= samples.size()) {
      throw DataException.ofFile(
          stage.data().path(),
          "the run stands at sequence %d, and there are %d now; give the rows that it began with, or begin another run"
              .formatted(position.next(), samples.size()));
    }
    source.seek(position);
  }

  /// Opens what the stage is measured on, so that what is wrong with it is known before any step.
  ///
  /// @throws DataException when it cannot be read, or has a bad row too many
  void openValidation() throws InterruptedException {
    List<DataSettings> sources =
        stage.validation().map(Stage.Validation::sources).orElse(List.of());
    for (DataSettings each : sources) {
      SampleSet opened = new StageData(each, input).open(threads, skip);
      validation.put(each, opened);
      opened.skipped().forEach(skipped::pass);
      if (opened.size() == 0) {
        throw DataException.ofFile(each.path(), "every row is bad; nothing can be measured");
      }
    }
  }

  /// The loss of each source that the stage is measured on; empty where it has none.
  Optional<ValidationLoss> measure(StageModel model) throws InterruptedException {
    if (stage.validation().isEmpty()) {
      return Optional.empty();
    }
    Stage.Validation measured = stage.validation().get();
    SequencedMap<String, Double> losses = new LinkedHashMap<>();
    for (DataSettings each : measured.sources()) {
      losses.put(String.valueOf(each.path().getFileName()), measure(model, each, measured.rows()));
    }
    return Optional.of(new ValidationLoss(losses));
  }

  private double measure(StageModel model, DataSettings from, Optional<Integer> most)
      throws InterruptedException {
    StageData data = new StageData(from, input);
    SampleSet rows = Objects.requireNonNull(validation.get(from));
    int count = Math.min(rows.size(), most.orElse(Integer.MAX_VALUE));
    try (BatchSource measured =
        new BatchSource(
            rows, new SampleOrder.Sequential(count), settings(data, BatchSource.Passes.ONE))) {
      return mean(model, measured, count);
    }
  }

  private static double mean(StageModel model, BatchSource rows, int count)
      throws InterruptedException {
    double sum = 0;
    long learned = 0;
    int seen = 0;
    for (Optional<Batch> next = Optional.empty(); seen < count; seen += next.get().size()) {
      next = rows.next();
      if (next.isEmpty()) {
        break;
      }
      TokenBatch batch = TokenBatch.of(next.get());
      sum += model.sum(batch);
      learned += batch.learned();
    }
    return sum / Math.max(1, learned);
  }

  @Override
  public void close() {
    source.close();
    samples.close();
    validation.values().forEach(SampleSet::close);
    input.close();
  }
}
