package dev.upcycle.sample;

import dev.upcycle.checkpoint.write.ResourceException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/// The embedded sample: a small dense decoder that was really trained, with its tokenizer, the text
/// held out of its training and the licence of that text.
public final class SampleModel {
  private static final List<String> FILES =
      List.of(
          "LICENSE.txt",
          "README.md",
          "config.json",
          "generation_config.json",
          "held-out.txt",
          "model.safetensors",
          "special_tokens_map.json",
          "tokenizer.json",
          "tokenizer_config.json");

  private SampleModel() {}

  /// The names of its files, sorted.
  public static List<String> files() {
    return FILES;
  }

  /// Writes every file, byte for byte, into a directory, which is made if it is not there.
  ///
  /// @throws ResourceException when a file is there already or cannot be written
  public static void writeTo(Path directory) {
    try {
      Files.createDirectories(directory);
      for (String name : FILES) {
        try (InputStream in = open(name)) {
          Files.copy(in, directory.resolve(name));
        }
      }
    } catch (IOException e) {
      throw new ResourceException(
          "cannot write the sample model to " + directory + ": " + e.getMessage(), e);
    }
  }

  private static InputStream open(String name) {
    InputStream in = SampleModel.class.getResourceAsStream("dense/" + name);
    if (in == null) {
      throw new IllegalStateException("the sample model's file " + name + " is not embedded");
    }
    return in;
  }
}
