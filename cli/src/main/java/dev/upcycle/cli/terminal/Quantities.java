package dev.upcycle.cli.terminal;

import java.util.Locale;

/// Numbers as people read them; GB is 10^9 bytes.
public final class Quantities {
  private static final String[] BYTE_UNITS = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
  private static final String[] COUNT_UNITS = {"", "K", "M", "B", "T", "Q", "Qi"};

  private Quantities() {}

  /// Such as `4.98 GB`.
  public static String bytes(long bytes) {
    return scaled(bytes, BYTE_UNITS, " ");
  }

  /// A count of parameters, such as `7.24B`.
  public static String parameters(long count) {
    return scaled(count, COUNT_UNITS, "");
  }

  /// A whole number with its thousands set apart, such as `134,515,008`.
  public static String count(long count) {
    return String.format(Locale.ROOT, "%,d", count);
  }

  /// Such as `42 s`, `3 min 5 s` or `2 h 10 min`.
  public static String seconds(double seconds) {
    long whole = Math.round(seconds);
    if (whole < 60) {
      return whole + " s";
    }
    if (whole < 3600) {
      return whole / 60 + " min " + whole % 60 + " s";
    }
    return whole / 3600 + " h " + whole % 3600 / 60 + " min";
  }

  private static String scaled(long number, String[] units, String gap) {
    if (Math.abs(number) < 1000) {
      return number + (units[0].isEmpty() ? "" : gap + units[0]);
    }
    double value = number;
    int unit = 0;
    while (Math.abs(value) >= 999.5 && unit < units.length - 1) {
      value /= 1000;
      unit++;
    }
    int decimals = Math.abs(value) < 9.995 ? 2 : Math.abs(value) < 99.95 ? 1 : 0;
    return String.format(Locale.ROOT, "%." + decimals + "f", value) + gap + units[unit];
  }
}
