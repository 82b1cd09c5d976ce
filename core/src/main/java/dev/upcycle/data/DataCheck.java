package dev.upcycle.data;

import dev.upcycle.chat.ChatException;
import dev.upcycle.chat.jinja.TemplateException;
import dev.upcycle.data.DataReport.Bucket;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.LongConsumer;
import java.util.stream.IntStream;

/// Makes every sample of a stage's data once, images included, and counts what it meets.
public final class DataCheck {
  private static final int BUCKETS = 8;

  private final StageData data;
  private final int threads;
  private final BadRows bad = new BadRows();
  private final long[] buckets = new long[BUCKETS];
  private long samples;
  private long tokens;
  private long learned;
  private long cut;
  private long images;
  private Optional<MaskedText> example = Optional.empty();

  private DataCheck(StageData data, int threads) {
    this.data = data;
    this.threads = threads;
  }

  /// Checks data.
  ///
  /// @param progress is told how many samples are done
  /// @throws DataException when the file itself cannot be read
  public static DataReport run(StageData data, int threads, LongConsumer progress)
      throws InterruptedException {
    return new DataCheck(data, threads).run(progress);
  }

  private DataReport run(LongConsumer progress) throws InterruptedException {
    long rows = rows();
    try {
      samples(progress);
    } catch (DataException e) {
      readRows();
      if (bad.places().isEmpty()) {
        throw e;
      }
    }
    return new DataReport(
        rows, samples, tokens, learned, cut, images, lengths(), bad.first(), bad.places(), example);
  }

  private void samples(LongConsumer progress) throws InterruptedException {
    try (SampleSet set = data.open(threads, new SkipLimit(Long.MAX_VALUE));
        Ahead<Sample> made =
            new Ahead<>(
                IntStream.range(0, set.size())
                    .<Callable<Sample>>mapToObj(i -> () -> set.sample(i))
                    .iterator(),
                threads,
                4 * threads)) {
      set.skipped().forEach(bad::add);
      for (long done = 1; made.hasNext(); done++) {
        try {
          count(made.next());
        } catch (DataException e) {
          bad.add(e);
        }
        progress.accept(done);
      }
    }
  }

  /// Looks for the reason why nothing is left of the data.
  private void readRows() {
    RowEncoding encoding = data.encoding();
    try (RowFile file = RowFile.open(data.settings().path())) {
      for (long row = 0; row < file.rows(); row++) {
        try {
          encoding.tokens(file.row(row));
        } catch (DataException e) {
          bad.add(e);
        } catch (ChatException | TemplateException | TokenizerException e) {
          bad.add(DataException.ofRow(file.file(), row, String.valueOf(e.getMessage())));
        }
      }
    }
  }

  private long rows() {
    try (RowFile file = RowFile.open(data.settings().path())) {
      return file.rows();
    }
  }

  private void count(Sample sample) {
    samples++;
    tokens += sample.length();
    learned += sample.tokens().learned();
    cut += sample.uncut() > sample.length() ? 1 : 0;
    images += sample.picture().pixels().isPresent() ? 1 : 0;
    int last = data.settings().maxTokens() - 1;
    buckets[Math.toIntExact((long) (sample.length() - 1) * BUCKETS / (last + 1))]++;
    if (example.isEmpty()) {
      Optional<Long> placeholder = data.model().images().map(input -> input.splice().placeholder());
      example = Optional.of(MaskedText.of(sample, data.model().tokenizer(), placeholder));
    }
  }

  /// Equal stretches up to the longest that fits.
  private List<Bucket> lengths() {
    long most = data.settings().maxTokens();
    List<Bucket> lengths = new ArrayList<>();
    for (int i = 0; i < BUCKETS; i++) {
      int from = (int) (Math.ceilDiv(i * most, BUCKETS) + 1);
      int to = (int) Math.ceilDiv((i + 1) * most, BUCKETS);
      if (from <= to) {
        lengths.add(new Bucket(from, to, buckets[i]));
      }
    }
    return lengths;
  }
}
