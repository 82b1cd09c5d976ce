package dev.upcycle.checkpoint;

import java.util.regex.Pattern;
import tools.jackson.core.JacksonException;

/// What is wrong with a JSON text, without what only a programmer can use.
public final class JsonReason {
  /// Where an object began, in terms of the reader's source.
  private static final Pattern START = Pattern.compile(" \\(start marker at \\[[^\\]]*\\]\\)");

  /// Where a limit of the reader is set in its own code.
  private static final Pattern JAVA = Pattern.compile(", from `[^`]*`");

  private JsonReason() {}

  /// The reader's own words.
  public static String of(JacksonException fault) {
    String told = START.matcher(fault.getOriginalMessage()).replaceAll("");
    return JAVA.matcher(told).replaceAll("");
  }
}
