package dev.upcycle.cli;

import java.lang.reflect.Proxy;
import java.util.List;

/// Hears the signals that come after the one that began to end this process.
///
/// The JVM passes over them. What handles signals is `sun.misc.Signal`, which is there in every JDK
/// and which a compiler warns of by its name alone, so that it is called by reflection.
final class SecondSignal {
  private static final List<String> NAMES = List.of("INT", "TERM", "HUP");

  private SecondSignal() {}

  /// Runs this at the next signal.
  static void await(Runnable action) {
    for (String name : NAMES) {
      try {
        handle(name, action);
      } catch (ReflectiveOperationException e) {
        // A system without this signal cannot send it.
      }
    }
  }

  private static void handle(String name, Runnable action) throws ReflectiveOperationException {
    Class<?> signal = Class.forName("sun.misc.Signal");
    Class<?> handler = Class.forName("sun.misc.SignalHandler");
    Object told =
        Proxy.newProxyInstance(
            SecondSignal.class.getClassLoader(),
            new Class<?>[] {handler},
            (_, _, _) -> {
              action.run();
              return null;
            });
    signal
        .getMethod("handle", signal, handler)
        .invoke(null, signal.getConstructor(String.class).newInstance(name), told);
  }
}
