package dev.upcycle.convert;

import dev.upcycle.arch.Modeling;
import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.CheckpointFault;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.write.CheckpointWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/// The files beside a model's weights that go with it unchanged: tokenizer, generation config,
/// licence.
///
/// @param files by name
public record CarriedFiles(SortedMap<String, Path> files) {
  /// What every converted model has of its own.
  static final List<String> OWN =
      List.of("README.md", "recipe.yaml", Manifest.FILE_NAME, "config.json");

  /// Takes a copy.
  public CarriedFiles {
    files = Collections.unmodifiableSortedMap(new TreeMap<>(files));
  }

  /// The files beside a model that are not a converted model's own.
  ///
  /// @param modelling what a converted model brings along for transformers
  public static CarriedFiles of(Checkpoint model, Optional<Modeling> modelling) {
    List<String> code = modelling.map(Modeling::files).orElse(List.of());
    SortedMap<String, Path> files = new TreeMap<>();
    for (Path file : model.companions()) {
      String name = String.valueOf(file.getFileName());
      if (!OWN.contains(name) && !code.contains(name)) {
        files.put(name, file);
      }
    }
    return new CarriedFiles(files);
  }

  /// Copies them into an output.
  ///
  /// @throws CheckpointFormatException when one cannot be read
  public void put(CheckpointWriter writer) {
    files.forEach((name, file) -> writer.put(name, bytes(file)));
  }

  private static byte[] bytes(Path file) {
    try {
      return Files.readAllBytes(file);
    } catch (IOException e) {
      throw new CheckpointFormatException(
          CheckpointFault.UNREADABLE, "cannot read " + file + ": " + e.getMessage(), e);
    }
  }
}
