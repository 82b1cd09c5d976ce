package dev.upcycle.cli.terminal;

import dev.upcycle.convert.Progress;
import java.io.PrintStream;
import java.util.Locale;
import java.util.function.Function;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/// Shows how far a long job is: one line that is redrawn on a terminal, else a plain line every ten
/// seconds.
///
/// Thread-safe. Owns the line it redraws: nothing else prints until it is closed.
public final class ProgressMeter implements Progress, AutoCloseable {
  private static final long REDRAW_NANOS = 100_000_000L;
  private static final long LINE_NANOS = 10_000_000_000L;
  private static final int WIDTH = 79;

  /// How progress is shown.
  public enum Style {
    SILENT,
    LINES,
    REDRAWN
  }

  private final String job;
  private final PrintStream stream;
  private final Style style;
  private final LongSupplier nanos;
  private final long start;
  private long shown;
  private boolean drawn;

  /// @param nanos a clock in nanoseconds
  public ProgressMeter(String job, PrintStream stream, Style style, LongSupplier nanos) {
    this.job = job;
    this.stream = stream;
    this.style = style;
    this.nanos = nanos;
    this.start = nanos.getAsLong();
    this.shown = start;
  }

  @Override
  public void advanced(long done, long total, String what) {
    show(done, total, line -> line.bytes(what));
  }

  /// So many of so many things are done; `things` names them, such as `windows`.
  public void counted(long done, long total, String things) {
    show(done, total, line -> line.count(things));
  }

  /// A line that says itself how far the job is; it is made only where it is shown.
  public void told(Supplier<String> text) {
    show(0, 0, _ -> text.get());
  }

  private synchronized void show(long done, long total, Function<Line, String> text) {
    if (style == Style.SILENT) {
      return;
    }
    long now = nanos.getAsLong();
    if (now - shown < (style == Style.REDRAWN ? REDRAW_NANOS : LINE_NANOS)) {
      return;
    }
    shown = now;
    String line = Printable.of(job + " " + text.apply(new Line(done, total, (now - start) / 1e9)));
    if (style == Style.REDRAWN) {
      String cut = line.length() > WIDTH ? line.substring(0, WIDTH) : line;
      stream.print("\r" + cut + " ".repeat(WIDTH - cut.length()));
      stream.flush();
      drawn = true;
    } else {
      stream.println(line);
    }
  }

  private record Line(long done, long total, double seconds) {
    String bytes(String what) {
      return "%s %s of %s, %s/s%s  %s"
          .formatted(
              percent(),
              Quantities.bytes(done),
              Quantities.bytes(total),
              Quantities.bytes((long) speed()),
              remaining(),
              what);
    }

    String count(String things) {
      return "%s %s of %s %s%s"
          .formatted(
              percent(), Quantities.count(done), Quantities.count(total), things, remaining());
    }

    private double speed() {
      return seconds > 0 ? done / seconds : 0;
    }

    private String percent() {
      return total > 0 ? String.format(Locale.ROOT, "%3d%%", (long) (100.0 * done / total)) : "";
    }

    private String remaining() {
      return speed() > 0 && total >= done
          ? ", " + Quantities.seconds((total - done) / speed()) + " left"
          : "";
    }
  }

  /// Wipes the redrawn line.
  @Override
  public synchronized void close() {
    if (drawn) {
      stream.print("\r" + " ".repeat(WIDTH) + "\r");
      stream.flush();
      drawn = false;
    }
  }
}
