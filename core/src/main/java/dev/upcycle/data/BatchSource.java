package dev.upcycle.data;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;

/// Micro-batches in a fixed order, whose samples worker threads make ahead of the step.
///
/// One thread takes. Owns its workers, not its samples, until it is closed.
public final class BatchSource implements AutoCloseable {
  private final SampleSet samples;
  private final SampleOrder order;
  private final Settings settings;
  private Position position = Position.START;
  private Ahead<Sample> ahead;
  private long badInARow;

  /// How batches are made.
  ///
  /// @param microBatch samples of each; the last of a single pass may have fewer
  /// @param collation how samples become a batch
  /// @param skipped bad rows that were passed over, those of the source added to them
  /// @param work how far ahead, and by how many
  /// @param passes when it ends
  public record Settings(
      int microBatch, Batch.Collation collation, SkippedRows skipped, Work work, Passes passes) {
    /// Refuses batches without samples.
    public Settings {
      if (microBatch < 1) {
        throw new IllegalArgumentException(
            "micro-batches of %d, expected at least 1".formatted(microBatch));
      }
    }
  }

  /// Who makes samples.
  ///
  /// @param threads at work
  /// @param samples that are made or in work before they are asked for; at least as many as threads
  public record Work(int threads, int samples) {
    /// Refuses nobody.
    public Work {
      if (threads < 1 || samples < threads) {
        throw new IllegalArgumentException(
            "%d threads with %d samples ahead; expected at least 1, and a sample for each"
                .formatted(threads, samples));
      }
    }
  }

  /// When a source ends.
  public enum Passes {
    /// After every sample came once.
    ONE,
    /// Never: an epoch follows the other.
    ENDLESS
  }

  /// A source at the beginning.
  ///
  /// @throws IllegalArgumentException when the order has more samples than there are, or none
  public BatchSource(SampleSet samples, SampleOrder order, Settings settings) {
    if (order.size() < 1 || order.size() > samples.size()) {
      throw new IllegalArgumentException(
          "an order of %d samples for %d".formatted(order.size(), samples.size()));
    }
    this.samples = samples;
    this.order = order;
    this.settings = settings;
    this.ahead = begin();
  }

  private Ahead<Sample> begin() {
    return new Ahead<>(new Tasks(position), settings.work().threads(), settings.work().samples());
  }

  /// The samples from a position on, as work.
  private final class Tasks implements Iterator<Callable<Sample>> {
    private Position next;
    private long epoch = -1;
    private int[] numbers = new int[0];

    private Tasks(Position from) {
      this.next = from;
    }

    @Override
    public boolean hasNext() {
      return settings.passes() == Passes.ENDLESS || next.epoch() == 0;
    }

    @Override
    public Callable<Sample> next() {
      if (epoch != next.epoch()) {
        epoch = next.epoch();
        numbers = order.of(epoch);
      }
      int number = numbers[Math.toIntExact(next.next())];
      next = next.passed(order.size());
      return () -> samples.sample(number);
    }
  }

  /// The next batch; empty after the last of a single pass.
  ///
  /// @throws DataException when a row is bad, and one too many, or when all are
  public Optional<Batch> next() throws InterruptedException {
    List<Sample> taken = new ArrayList<>();
    while (taken.size() < settings.microBatch() && ahead.hasNext()) {
      try {
        taken.add(ahead.next());
        badInARow = 0;
      } catch (DataException e) {
        settings.skipped().pass(e);
        badInARow++;
        if (badInARow >= order.size()) {
          throw e.and("all others are bad too, so nothing is left to read");
        }
      }
      position = position.passed(order.size());
    }
    return taken.isEmpty() ? Optional.empty() : Optional.of(Batch.of(taken, settings.collation()));
  }

  /// Where it stands: after the batch that was given last.
  public Position position() {
    return position.after(settings.skipped().rows());
  }

  /// Goes to a position of a source with the same samples, order and settings.
  ///
  /// @throws IllegalArgumentException when there is no such position
  public void seek(Position target) {
    if (target.next() >= order.size()) {
      throw new IllegalArgumentException(
          "position %d of %d samples".formatted(target.next(), order.size()));
    }
    ahead.close();
    position = target;
    badInARow = 0;
    settings.skipped().resume(target.skipped());
    ahead = begin();
  }

  @Override
  public void close() {
    ahead.close();
  }
}
