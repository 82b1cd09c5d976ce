package dev.upcycle.recipe;

import java.math.BigInteger;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// A number of bytes as people write it: `5GB` = 5·10⁹, `5GiB` = 5·2³⁰.
public final class ByteSize {
  private static final SequencedMap<String, Long> UNITS = units();
  private static final Pattern TEXT = Pattern.compile("([1-9][0-9]*)([KMGT]i?B|B)");

  private ByteSize() {}

  private static SequencedMap<String, Long> units() {
    SequencedMap<String, Long> units = new LinkedHashMap<>();
    String[] prefixes = {"T", "G", "M", "K"};
    for (int power = 4; power >= 1; power--) {
      units.put(prefixes[4 - power] + "iB", 1L << (10 * power));
      units.put(prefixes[4 - power] + "B", (long) Math.pow(1000, power));
    }
    units.put("B", 1L);
    return units;
  }

  /// The bytes that `5GB` says; empty where the text is no size, or one beyond 2⁶³ − 1.
  public static Optional<Long> parse(String text) {
    Matcher matcher = TEXT.matcher(text);
    if (!matcher.matches()) {
      return Optional.empty();
    }
    long unit = UNITS.getOrDefault(matcher.group(2), 1L);
    BigInteger bytes = new BigInteger(matcher.group(1)).multiply(BigInteger.valueOf(unit));
    return bytes.bitLength() < Long.SIZE ? Optional.of(bytes.longValue()) : Optional.empty();
  }

  /// The shortest spelling that [#parse(String)] reads back.
  static String format(long bytes) {
    return UNITS.entrySet().stream()
        .filter(unit -> bytes % unit.getValue() == 0)
        .max(Map.Entry.comparingByValue())
        .map(unit -> bytes / unit.getValue() + unit.getKey())
        .orElseThrow();
  }
}
