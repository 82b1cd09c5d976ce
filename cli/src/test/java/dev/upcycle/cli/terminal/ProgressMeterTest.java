package dev.upcycle.cli.terminal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.cli.terminal.ProgressMeter.Style;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class ProgressMeterTest {
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
  private final AtomicLong now = new AtomicLong(5);

  private ProgressMeter meter(Style style) {
    return new ProgressMeter(
        "converting", new PrintStream(bytes, true, StandardCharsets.UTF_8), style, now::get);
  }

  private void pass(long millis) {
    now.addAndGet(TimeUnit.MILLISECONDS.toNanos(millis));
  }

  private String printed() {
    return bytes.toString(StandardCharsets.UTF_8);
  }

  @Test
  void withoutATerminalItIsAPlainLineEveryTenSeconds() {
    try (ProgressMeter meter = meter(Style.LINES)) {
      for (int second = 1; second <= 25; second++) {
        pass(1000);
        meter.advanced(second * 1_000_000L, 100_000_000L, "model.norm.weight");
      }
    }
    assertThat(printed().lines())
        .containsExactly(
            "converting  10% 10.0 MB of 100 MB, 1.00 MB/s, 1 min 30 s left  model.norm.weight",
            "converting  20% 20.0 MB of 100 MB, 1.00 MB/s, 1 min 20 s left  model.norm.weight");
    assertThat(printed()).doesNotContain("\r");
  }

  @Test
  void onATerminalTheLineIsRedrawnTenTimesASecondAtMost() {
    try (ProgressMeter meter = meter(Style.REDRAWN)) {
      for (int step = 1; step <= 100; step++) {
        pass(10);
        meter.advanced(step, 100, "x".repeat(200));
      }
      String[] drawn = printed().split("\r", -1);
      assertThat(drawn).hasSize(11);
      assertThat(drawn[10]).startsWith("converting 100%").hasSize(79);
      assertThat(printed()).doesNotContain("\n");
    }
  }

  @Test
  void closingWipesTheRedrawnLine() {
    ProgressMeter meter = meter(Style.REDRAWN);
    pass(200);
    meter.advanced(1, 2, "half");
    meter.close();
    assertThat(printed()).endsWith("\r" + " ".repeat(79) + "\r");
  }

  @Test
  void silentMeterSaysNothing() {
    try (ProgressMeter meter = meter(Style.SILENT)) {
      pass(60_000);
      meter.advanced(1, 2, "half");
    }
    assertThat(printed()).isEmpty();
  }
}
