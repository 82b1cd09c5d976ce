package dev.upcycle.data;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/// The switches that keep DJL's tokenizer library from the network.
///
/// Without them its loader asks a cloud's metadata address about the machine, reports its use,
/// looks for CUDA and, where it finds it, fetches another build of itself.
final class OfflineSwitches {
  private OfflineSwitches() {}

  /// Sets those that nobody has set; must run before any class of DJL does.
  static synchronized void set() {
    switches()
        .forEach((name, value) -> {
          if (System.getProperty(name) == null) {
            System.setProperty(name, value);
          }
        });
  }

  /// The names and values.
  static Map<String, String> switches() {
    Map<String, String> switches = new LinkedHashMap<>();
    switches.put("ai.djl.offline", "true");
    switches.put("OPT_OUT_TRACKING", "true");
    switches.put("RUST_FLAVOR", "cpu");
    switches.put("DJL_CACHE_DIR", cache().toString());
    return switches;
  }

  // Where the library unpacks its natives, once.
  private static Path cache() {
    return Optional.ofNullable(System.getenv("XDG_CACHE_HOME"))
        .filter(home -> !home.isEmpty())
        .map(Path::of)
        .orElseGet(() -> Path.of(System.getProperty("user.home"), ".cache"))
        .resolve("upcycle")
        .resolve("djl");
  }
}
