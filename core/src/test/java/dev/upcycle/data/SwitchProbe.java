package dev.upcycle.data;

import java.nio.file.Path;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;

/// A program that tells which switches the tokenizer library reads, and what it finds.
final class SwitchProbe {
  private static final Set<String> SWITCHES =
      Set.of("ai.djl.offline", "OPT_OUT_TRACKING", "RUST_FLAVOR", "DJL_CACHE_DIR");

  private SwitchProbe() {}

  private static final class Watched extends Properties {
    private static final long serialVersionUID = 1L;

    private final transient Set<String> reads = new TreeSet<>();

    @Override
    public String getProperty(String key) {
      String value = super.getProperty(key);
      if (SWITCHES.contains(key) && calledByTheLibrary()) {
        reads.add("read " + key + "=" + value);
      }
      return value;
    }
  }

  private static boolean calledByTheLibrary() {
    return StackWalker.getInstance()
        .walk(frames -> frames.anyMatch(frame -> frame.getClassName().startsWith("ai.djl.")));
  }

  public static void main(String[] arguments) {
    Watched properties = new Watched();
    properties.putAll(System.getProperties());
    System.setProperties(properties);
    Tokenizer.require(Path.of(arguments[0])).close();
    properties.reads.forEach(System.out::println);
  }
}
