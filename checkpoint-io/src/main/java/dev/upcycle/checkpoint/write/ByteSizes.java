package dev.upcycle.checkpoint.write;

import java.util.Locale;

/// Byte counts as messages show them.
public final class ByteSizes {
  private static final String[] UNITS = {"bytes", "kB", "MB", "GB", "TB"};

  private ByteSizes() {}

  /// Decimal units, as disks are sold: `9.50 GB`, `12 bytes`.
  public static String text(long bytes) {
    double value = bytes;
    int unit = 0;
    while (value >= 1000 && unit < UNITS.length - 1) {
      value /= 1000;
      unit++;
    }
    return unit == 0
        ? bytes + " " + UNITS[0]
        : String.format(Locale.ROOT, "%.2f %s", value, UNITS[unit]);
  }
}
