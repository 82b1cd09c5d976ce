package dev.upcycle.arch;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Collection;
import java.util.List;
import java.util.SequencedMap;
import java.util.stream.Stream;

/// The classes of a checkpoint that brings its own modelling file.
///
/// @param file the Python file
/// @param beside the other families' modelling files that it reads
/// @param configClass its config class
/// @param autoClasses its model classes, by the class of transformers that loads each
public record Modeling(
    String file,
    List<String> beside,
    String configClass,
    SequencedMap<String, String> autoClasses) {
  private static final String SHARED = "sparse_moe.py";

  /// Takes a copy.
  public Modeling {
    beside = List.copyOf(beside);
  }

  /// Every file that must lie beside the weights.
  public List<String> files() {
    return Stream.of(List.of(file), beside, List.of(SHARED)).flatMap(List::stream).toList();
  }

  /// The content of one of the files, as this version writes it.
  public static byte[] read(String file) {
    try (InputStream in = Modeling.class.getResourceAsStream("/dev/upcycle/modeling/" + file)) {
      if (in == null) {
        throw new IllegalStateException("resource dev/upcycle/modeling/" + file + " is missing");
      }
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// The name of the file's module, with a dot behind it.
  public String module() {
    return file.replaceFirst("\\.py$", ".");
  }

  /// The class that stands for the dense model's: that of the same name but for the experts, else
  /// the first.
  public String className(Collection<String> dense) {
    return autoClasses.values().stream()
        .filter(name -> dense.contains(name.replace("Moe", "")))
        .findFirst()
        .orElseGet(() -> autoClasses.firstEntry().getValue());
  }
}
