package dev.upcycle.verify;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/// Did the tokenizer and the other companions of the source come along unchanged?
final class CompanionExamination implements Examination {
  @Override
  public void examine(Subject subject, Findings findings) {
    List<Path> companions = subject.source().map(source -> source.companions()).orElse(List.of());
    for (Path companion : companions) {
      findings.covered(CheckKind.COMPANIONS);
      String name = String.valueOf(companion.getFileName());
      Path copy = subject.target().directory().resolve(name);
      if (!Files.isRegularFile(copy)) {
        findings.failed(CheckKind.COMPANIONS, name, "missing: it lies beside the source");
        continue;
      }
      try {
        long first = Files.mismatch(companion, copy);
        if (first >= 0) {
          findings.failed(
              CheckKind.COMPANIONS,
              name,
              "differs from the source's; first differing byte " + first);
        }
      } catch (IOException e) {
        throw new UncheckedIOException(copy + ": " + e.getMessage(), e);
      }
    }
  }
}
