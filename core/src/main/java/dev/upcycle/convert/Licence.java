package dev.upcycle.convert;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// The licence that a source states, by the hub's identifier; nothing is guessed.
final class Licence {
  private static final Pattern FRONT_MATTER_LINE =
      Pattern.compile("license:\\s*['\"]?([A-Za-z0-9][A-Za-z0-9.+-]*)['\"]?\\s*(#.*)?");
  private static final List<String> FILES = List.of("LICENSE", "LICENSE.txt", "LICENSE.md");
  private static final int OPENING = 600;

  private Licence() {}

  /// From the front matter of the source's model card, else from a licence file that opens as a
  /// well-known text does.
  static Optional<String> of(Path directory) {
    Optional<String> card = text(directory.resolve("README.md")).flatMap(Licence::frontMatter);
    if (card.isPresent()) {
      return card;
    }
    return FILES.stream()
        .map(directory::resolve)
        .flatMap(file -> text(file).stream())
        .findFirst()
        .flatMap(Licence::wellKnown);
  }

  private static Optional<String> frontMatter(String card) {
    List<String> lines = card.lines().toList();
    if (lines.isEmpty() || !lines.getFirst().equals("---")) {
      return Optional.empty();
    }
    for (String line : lines.subList(1, lines.size())) {
      if (line.equals("---")) {
        break;
      }
      Matcher matcher = FRONT_MATTER_LINE.matcher(line);
      if (matcher.matches()) {
        return Optional.of(matcher.group(1));
      }
    }
    return Optional.empty();
  }

  private static Optional<String> wellKnown(String licence) {
    String opening = licence.substring(0, Math.min(OPENING, licence.length()));
    if (opening.contains("Apache License") && opening.contains("Version 2.0")) {
      return Optional.of("apache-2.0");
    }
    return opening.strip().startsWith("MIT License") ? Optional.of("mit") : Optional.empty();
  }

  private static Optional<String> text(Path file) {
    try {
      return Files.isRegularFile(file)
          ? Optional.of(new String(Files.readAllBytes(file), StandardCharsets.UTF_8))
          : Optional.empty();
    } catch (IOException e) {
      return Optional.empty(); // no statement can be read, so none is repeated
    }
  }
}
