package dev.upcycle.verify;

import dev.upcycle.arch.Modeling;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/// Are the modelling files that transformers would run those that this version writes? One changed
/// line makes another function of right weights.
final class ModelingExamination implements Examination {
  @Override
  public void examine(Subject subject, Findings findings) {
    List<String> files = subject.family().modeling().map(Modeling::files).orElse(List.of());
    for (String name : files) {
      findings.covered(CheckKind.MODELING);
      Path file = subject.target().directory().resolve(name);
      if (!Files.isRegularFile(file)) {
        findings.failed(
            CheckKind.MODELING, name, "missing: auto_map or a file that it names needs it");
        continue;
      }
      int first = Arrays.mismatch(Modeling.read(name), content(file));
      if (first >= 0) {
        findings.failed(
            CheckKind.MODELING,
            name,
            String.format(
                Locale.ROOT,
                "differs from what this version writes, first at byte %,d (the model was made by"
                    + " %s): transformers would run something else. Convert anew, or verify with"
                    + " the version that made it",
                first,
                subject.manifest().toolVersion()));
      }
    }
  }

  private static byte[] content(Path file) {
    try {
      return Files.readAllBytes(file);
    } catch (IOException e) {
      throw new UncheckedIOException(file + ": " + e.getMessage(), e);
    }
  }
}
