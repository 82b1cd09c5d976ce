package dev.upcycle.cli.command;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.cli.terminal.Surroundings;
import dev.upcycle.dialect.Sources;
import dev.upcycle.plan.BareSource;
import dev.upcycle.plan.DenseSource;
import dev.upcycle.recipe.Part;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/// The dense model that a user names: one directory, or the parts of a LLaVA.
///
/// @param texts as given
/// @param parts the parts by their kind; empty for one directory
record DenseModel(List<String> texts, Map<Part, String> parts) {
  /// Reads the values of `--model`.
  ///
  /// @throws UsageException naming what is unknown, twice or mixed
  static DenseModel of(List<String> texts) {
    Map<Part, String> parts = new EnumMap<>(Part.class);
    for (String text : texts) {
      Optional<Part> part = part(text);
      if (part.isEmpty() && texts.size() > 1) {
        throw new UsageException(
            "--model "
                + text
                + ": with several, each begins with its part: "
                + names("=PATH")
                + "; one model in one directory takes --model once");
      }
      if (part.isPresent() && parts.put(part.get(), path(text)) != null) {
        throw new UsageException(
            "--model " + part.get().key() + "=… is given twice; give each part once");
      }
    }
    return new DenseModel(List.copyOf(texts), parts);
  }

  private static Optional<Part> part(String text) {
    return Arrays.stream(Part.values())
        .filter(part -> text.startsWith(part.key() + "="))
        .findFirst();
  }

  private static String path(String text) {
    return text.substring(text.indexOf('=') + 1);
  }

  private static String names(String end) {
    return Arrays.stream(Part.values())
        .map(part -> part.key() + end)
        .collect(Collectors.joining(", "));
  }

  /// The one directory or file; empty where there are parts.
  Optional<Path> single(Surroundings surroundings) {
    return parts.isEmpty()
        ? Optional.of(Models.locate(texts.getFirst(), surroundings))
        : Optional.empty();
  }

  /// Opens it.
  Checkpoint open(Surroundings surroundings) {
    Optional<Path> single = single(surroundings);
    if (single.isPresent()) {
      return Sources.open(single.get());
    }
    return DenseSource.assemble(located(surroundings));
  }

  /// The configs of its parts, where one of them is no more than that; empty where all have weights
  /// and where there are no parts.
  Map<Part, ModelConfig> bareParts(Surroundings surroundings) {
    Map<Part, Path> located = located(surroundings);
    Map<Part, ModelConfig> configs = new EnumMap<>(Part.class);
    if (located.values().stream().anyMatch(BareSource::bare)) {
      located.forEach((part, path) -> configs.put(part, BareSource.config(part, path)));
    }
    return configs;
  }

  /// Whether it is an image tower and a decoder with nothing between them.
  boolean lacksConnector(Surroundings surroundings) {
    return DenseSource.lacksConnector(located(surroundings));
  }

  /// Where its parts are.
  Map<Part, Path> located(Surroundings surroundings) {
    Map<Part, Path> located = new EnumMap<>(Part.class);
    parts.forEach((part, text) -> located.put(part, Models.locate(text, surroundings)));
    return located;
  }

  /// As the user may give it again.
  List<String> arguments(Surroundings surroundings) {
    return single(surroundings)
        .map(path -> List.of(path.toString()))
        .orElseGet(
            () -> texts.stream().flatMap(text -> List.of("--model", text).stream()).toList());
  }

  /// For reports.
  String shown(Surroundings surroundings) {
    return single(surroundings).map(Path::toString).orElseGet(() -> String.join(", ", texts));
  }
}
